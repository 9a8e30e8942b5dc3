"""Facts about a person are disclosed only as granted content, including her place and a clinical deadline. Each field
of each response to a recipient is content, or is on the closed list of facts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from common import clock
from common.ids import new_id
from fastapi import FastAPI
from referrals.ground.vocabulary.facts import CONTENT, FACTS, decided
from referrals.referral.fhir.mapping import service_request, task
from referrals.referral.referrals.models import Referral

from tests.services.referrals.readable_routes import walk
from tests.services.referrals.story import Story

PLACE = "VE2313"
DEADLINE = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
"""Before every deadline of the process: whatever is made of it shows."""
SUPERVISOR: dict[str, Any] = {"roles": ["partner", "caseworker", "supervisor"]}
# The purpose of every other response. `facts.decided` declares a response to a recipient where it is created.
TO_RECIPIENTS = {
    "CalendarRow", "Disclosure", "FeedItem", "ReferralView", "StepView", "TaskView", "TransferDetail", "TransferView", "WholeReferral", "WorkItem",
}  # fmt: skip
TO_OTHERS = {
    "of the case, for its holder": {
        "AssistanceView", "CaseDetail", "CaseListed", "CaseProfile", "CaseSummary", "Consent", "DisclosureRead", "Drafts", "EntryView", "ExceptionDetail",
        "ExceptionSummary", "GivenConsent", "LinkView", "MatchConsentView", "MatchView", "Overview", "PlanItemView",
        "ReadingView", "RecordRead", "RetentionRow", "ReviewView", "Route", "Suggestion", "SupervisionRow",
        "TimelineEntry", "ToldOfReadings", "WithdrawnConsent",
    },
    "of a record that was opened in an emergency": {"AccessView", "OpenedCase"},
    "of a screening or a form's record, for its organisation": {
        "Received", "ScreeningDetail", "ScreeningState", "ScreeningSummary", "SubmissionDetail", "SubmissionSummary",
    },
    "of the line, for the desk, whom a report was handed to and the reporter": {
        "LineExceptionView", "PreparedAnswer", "ReceiptView", "ReportDetail", "ReportSummary", "ThreadView",
    },
    "of no person": {
        "Alternative", "Away", "BatchResult", "CertificateView", "ChannelKinds", "ChannelView", "DeliveryView", "FormSecret", "InstrumentDetail",
        "InstrumentSummary", "LateOrganisation", "OpenCases", "OverdueCount", "PolicyView", "ProtocolView", "QueueCounts", "Replayed", "ShiftView", "Team", "ToCall",
        "TrainingView", "Upload", "WebhookSecret", "WebhookView", "WorkCounts", "WorkLoad",
    },
    "of what the reader's own organisation did": {"AuditEntryView", "Statement", "Verification"},
}  # fmt: skip


def named(node: Any) -> Iterator[str]:
    """Yield the schemas that a part of the description references."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from named(value)
    elif isinstance(node, list):
        for each in node:
            yield from named(each)


def answers_of(app: FastAPI) -> set[str]:
    """Return the response schemas, including the items of pages."""
    document = app.openapi()
    schemas = document["components"]["schemas"]
    found = {
        name
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for name in named(answer)
    }
    return found.union(*(named(schemas[name]) for name in found if "Page" in name))


def test_every_answer_is_for_recipients_or_for_somebody_else(app: FastAPI) -> None:
    others = set().union(*TO_OTHERS.values())
    known = TO_RECIPIENTS | others
    answers = {name.rpartition("__")[2] for name in answers_of(app) if "Page" not in name}
    assert sorted(answers - known - {"IntakeFormView", "LineFormView", "Feed"}) == []
    schemas = app.openapi()["components"]["schemas"]
    for name in TO_RECIPIENTS:
        decided(name, schemas[name]["properties"])


def test_a_field_that_nobody_decided_fails_the_build() -> None:
    with pytest.raises(TypeError, match=r"ReferralView\.surname"):
        decided("ReferralView", ["id", "surname"])
    assert not CONTENT.keys() & FACTS.keys()
    assert all(fact.why for fact in FACTS.values())


class Read:
    """A referral that records which of its fields the code reads."""

    def __init__(self, referral: Referral) -> None:
        self.referral, self.fields = referral, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.fields.add(name)
        return getattr(self.referral, name)


def test_fhir_says_nothing_but_decided_facts() -> None:
    given: dict[str, Any] = dict.fromkeys(Referral.model_fields, "x")
    read = Read(Referral(**{**given, "state": "sent", "urgency": "urgent", "id": new_id()}))
    task(read)
    service_request(read)
    assert sorted(read.fields - FACTS.keys()) == []


async def told(story: Story, app: FastAPI, referral: dict[str, Any], who: str) -> str:
    ids = {"referral_id": referral["id"], "case_id": referral["case_id"]}
    ids |= {"service_id": referral["service_id"]}
    answers = await walk(story, app, who, ids, **SUPERVISOR)
    for way in ("inbox?order=deadline", "inbox", f"{referral['id']}?with=disclosure&with=history"):
        answers[way] = (200, (await story.get(who, f"/referrals/{way}", **SUPERVISOR)).text)
    return "".join(text for _, text in answers.values())


async def test_what_she_did_not_grant_is_on_no_road_of_the_recipient(
    story: Story, app: FastAPI
) -> None:
    referral = await story.sent(
        consent={"items": ["name"]},
        payload={},
        from_case=["name"],
        clinical_deadline=DEADLINE,
    )
    seen = await told(story, app, referral, "ngo-salud")
    assert "Yolimar" in seen
    assert PLACE not in seen
    assert DEADLINE[:19] not in seen
    own = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
    assert (own["area"], own["clinical_deadline"], own["due"]) == (PLACE, DEADLINE, DEADLINE)


async def test_what_she_granted_is_shown_until_it_ends(story: Story, app: FastAPI) -> None:
    referral = await story.accepted(
        consent={"items": ["name", "area", "situation"]},
        from_case=["name", "area"],
        clinical_deadline=DEADLINE,
    )
    path = f"/referrals/{referral['id']}"
    (listed,) = [
        one
        for one in (await story.get("ngo-salud", "/referrals/inbox?limit=200")).json()["items"]
        if one["id"] == referral["id"]
    ]
    whole = (await story.get("ngo-salud", path)).json()
    for shown in (listed, whole):
        assert (shown["area"], shown["clinical_deadline"]) == (PLACE, DEADLINE)
    await story.made("ngo-refugio", f"/consents/{whole['grant_id']}/withdraw", {})
    seen = await told(story, app, referral, "ngo-salud")
    assert PLACE not in seen
    assert DEADLINE[:19] not in seen
    repeated = (await story.get("ngo-refugio", path)).json()
    assert (repeated["area"], repeated["clinical_deadline"]) == (PLACE, DEADLINE)


async def test_a_kept_answer_to_a_command_holds_no_content(story: Story) -> None:
    """A stored response may be returned after sharing has ended, so it contains no content."""
    referral = await story.sent(
        consent={"items": ["name", "area", "situation"]},
        from_case=["name", "area"],
        clinical_deadline=DEADLINE,
    )
    path = f"/referrals/{referral['id']}"
    answer = await story.post("ngo-salud", f"{path}/acknowledge", {})
    assert (answer.json()["area"], answer.json()["clinical_deadline"]) == (None, None)
