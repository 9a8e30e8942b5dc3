"""Consent over time: every path checks again today what a consent allowed yesterday."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common import clock
from common.events.catalogue import ALL

from tests.services.referrals.line_words import Reporter
from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_scenarios import code, exception_body, transfer_offer

SHORT = timedelta(hours=2)


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def years_ago(years: int, *, less_days: int = 0) -> str:
    today = clock.today()
    return (today.replace(year=today.year - years, day=1) + timedelta(days=less_days)).isoformat()


async def change(story: Story, case_id: str, who: str = "ngo-refugio", **body: Any) -> None:
    response = await story.call(who, "PATCH", f"/cases/{case_id}", body)
    assert response.status_code == 200, response.text


async def child_asked(story: Story, **case: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Refer a child with the caregiver's consent; then the recipient asks for information."""
    child = await story.child(10, caregiver="available", **case)
    items = ["name", "situation", "caregiver_contact"]
    referral = await story.sent(
        case_id=child["id"],
        consent={"decided_by": "caregiver", "child_assent": "agrees", "items": items},
        from_case=["name", "caregiver_contact"],
    )
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/acknowledge", {})
    await story.made("ngo-salud", f"{path}/request-information", {"question": "since when?"})
    return child, referral


async def tasks_of(story: Story, who: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    found = (await story.get(who, "/tasks?limit=200")).json()["items"]
    return [task for task in found if task["case_id"] == case["id"]]


ANSWER = {"payload": {"situation": "since March"}}


async def test_an_expired_grant_answers_no_question_and_is_read_no_more(story: Story) -> None:
    referral = await story.sent(consent={"valid_until": in_hours(1)})
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/acknowledge", {})
    await story.made("ngo-salud", f"{path}/request-information", {"question": "since when?"})
    with clock.shifted(SHORT):
        refused = await story.post("ngo-refugio", f"{path}/answer-information", ANSWER)
        assert code(refused) == (409, "no_consent")
        assert "Ask the person again" in refused.json()["detail"]
        read = await story.get("ngo-salud", f"{path}/disclosure")
        assert code(read) == (410, "consent_expired")
        steps = (await story.get("ngo-salud", f"{path}/history")).json()
        assert all("since March" not in str(step) for step in steps)


async def test_a_transfer_is_neither_offered_nor_accepted_under_an_expired_grant(
    story: Story,
) -> None:
    case = await story.case()
    body = {
        "case_id": case["id"], "kind": "transfer", "recipient_organisation_id": str(LEGAL),
        "method": "signed", "valid_until": in_hours(1),
    }  # fmt: skip
    grants = [await story.made("ngo-refugio", "/consents", body) for _ in range(2)]
    offer = {"case_id": case["id"], "to_organisation": str(LEGAL), "grant_id": grants[0]["id"]}
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    with clock.shifted(SHORT):
        late = await story.post("ngo-legal", f"/transfers/{transfer['id']}/accept", {})
        assert code(late) == (409, "no_consent")
        recall = f"/transfers/{transfer['id']}/recall"
        await story.made("ngo-refugio", recall, {"reason": "other"})
        again = await story.post(
            "ngo-refugio", "/transfers", {**offer, "grant_id": grants[1]["id"]}
        )
        assert code(again) == (409, "no_consent")


@pytest.mark.parametrize("known", ["caregiver", "age"])
async def test_a_caregivers_word_ends_for_new_facts_on_all_roads_alike(
    story: Story, known: str
) -> None:
    child, referral = await child_asked(story)
    service_id = referral["service_id"]
    by_caregiver = {"decided_by": "caregiver", "child_assent": "agrees"}
    grant = await story.consent(
        child["id"], service_id, items=["name", "situation"], **by_caregiver
    )
    draft = await story.draft(child["id"], service_id, from_case=["name"])
    offer = await story.made(
        "ngo-refugio",
        "/consents",
        {
            "case_id": child["id"],
            "kind": "transfer",
            "method": "signed",
            "recipient_organisation_id": str(LEGAL),
            **by_caregiver,
        },
    )
    if known == "caregiver":
        await change(story, child["id"], caregiver="implicated")
    else:
        await change(story, child["id"], identity={"name": "Ana Canaria", "age": 19})
    path = f"/referrals/{referral['id']}"
    transfer = {
        "case_id": child["id"], "to_organisation": str(LEGAL), "grant_id": offer["id"]
    }  # fmt: skip
    reason = "caregiver_implicated" if known == "caregiver" else "adult_decides"
    for refused in (
        await story.post("ngo-refugio", f"{path}/answer-information", ANSWER),
        await story.post(
            "ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
        ),
        await story.post("ngo-refugio", "/transfers", transfer),
    ):
        assert code(refused) == (409, "wrong_decider")
        assert refused.json()["reason"] == reason
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 200


async def test_a_caregivers_contact_is_suppressed_in_what_was_disclosed_and_told_not_to_be_used(
    story: Story,
) -> None:
    child, referral = await child_asked(story)
    path = f"/referrals/{referral['id']}"
    more = {"payload": {"caregiver_contact": {"name": "Luis Canaria"}}}
    await story.made("ngo-refugio", f"{path}/answer-information", more)
    assert "Luis" in (await story.get("ngo-salud", f"{path}/disclosure")).text
    await change(story, child["id"], caregiver="implicated")
    for what in ("disclosure", "history"):
        assert "Luis" not in (await story.get("ngo-salud", f"{path}/{what}")).text
    assert "Ana Canaria" in (await story.get("ngo-salud", f"{path}/disclosure")).text
    tasks = await tasks_of(story, "ngo-salud", child)
    assert [(t["kind"], t["referral_id"]) for t in tasks] == [
        ("stop_using_caregiver_contact", referral["id"])
    ]
    assert "referral.disclosure_changed" in await story.told_to("ngo-salud", referral["id"])
    own = await tasks_of(story, "ngo-refugio", child)
    assert [t["kind"] for t in own] == ["reconsent_caregiver_ended"]


async def test_a_corrected_record_of_an_adult_asks_for_consent_anew_at_once(story: Story) -> None:
    child, _ = await child_asked(story)
    await change(story, child["id"], identity={"name": "Ana Canaria", "age": 19})
    tasks = await tasks_of(story, "ngo-refugio", child)
    assert [t["kind"] for t in tasks] == ["reconsent_at_18"]
    assert "case.reconsent_needed" in await story.told_to("ngo-refugio", child["id"])


async def test_a_record_corrected_to_a_childs_ends_the_childs_lonely_word(story: Story) -> None:
    case, service_id = await story.case(), await story.service()
    grant = await story.consent(case["id"], service_id, items=["name", "situation"])
    draft = await story.draft(case["id"], service_id, from_case=["name"])
    await change(story, case["id"], identity={"name": "Yolimar", "age": 9})
    path = f"/referrals/{draft['id']}/send"
    refused = await story.post("ngo-refugio", path, {"grant_id": grant["id"]})
    assert code(refused) == (409, "wrong_decider")


async def test_a_supervisor_approves_nothing_that_does_not_hold_any_more(story: Story) -> None:
    child, service_id = await story.child(16, caregiver="available"), await story.service()
    grant = await story.consent(
        child["id"], service_id, decided_by="caregiver", child_assent="dissents", items=["name"]
    )
    assert grant["status"] == "pending"
    await change(story, child["id"], caregiver="implicated")
    path = f"/consents/{grant['id']}/decision"
    refused = await story.post("ngo-refugio-supervisor", path, {"approve": True})
    assert code(refused) == (409, "wrong_decider")
    await story.made("ngo-refugio-supervisor", path, {"approve": False})


async def test_a_consent_is_not_dated_in_the_future(story: Story) -> None:
    case, service_id = await story.case(), await story.service()
    body = story.consent_body(case["id"], service_id, given_at=in_hours(1))
    refused = await story.post("ngo-refugio", "/consents", body)
    assert code(refused) == (422, "invalid")
    assert refused.json()["errors"][0]["pointer"] == "/given_at"
    ahead = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    body = story.consent_body(case["id"], service_id, given_at=ahead)
    kept = await story.made("ngo-refugio", "/consents", body)
    assert datetime.fromisoformat(kept["given_at"]) <= datetime.now(UTC)


async def test_a_withdrawal_without_an_offset_or_from_the_future_still_works(story: Story) -> None:
    for when in ("2026-01-31T12:00:00", in_hours(48)):
        referral = await story.sent()
        path = f"/consents/{referral['grant_id']}/withdraw"
        done = await story.made("ngo-refugio", path, {"withdrawn_at": when})
        assert datetime.fromisoformat(done["withdrawn_at"]) <= datetime.now(UTC)


@pytest.fixture
def reporter(story: Story) -> Reporter:
    return Reporter(story)


# The events that can carry attributes, with the test below that covers each. The test fails if an event is missing.
_TELLING = {
    "referral": "the steps of a referral",
    "assistance": "assistance",
    "screening": "screening",
    "case": "nothing: it never carries any",
    "grant": "the giving itself",
}


def test_every_event_with_attributes_is_held_by_a_test() -> None:
    telling = {name for name, kind in ALL.items() if "attributes" in kind.model_fields}
    things = {name.split(".")[2] for name in telling if name.startswith("ruta.referrals.")}
    assert things <= set(_TELLING), things - set(_TELLING)
    assert all(name.startswith("ruta.referrals.") for name in telling)


async def attributes_told(story: Story, case_id: str) -> list[bool]:
    """Return, for each event about the case, oldest first, whether it contains attributes of the person."""
    rows = await story.rows(
        "SELECT payload ->> 'attributes' AS a, type FROM outbox"
        " WHERE payload ->> 'case_id' = :case ORDER BY id",
        case=case_id,
    )
    return [row.a is not None for row in rows if ".grant." not in row.type]


async def telling_steps(story: Story, referral: dict[str, Any]) -> None:
    """Create one event of each kind that could contain attributes."""
    path, case_id = f"/referrals/{referral['id']}", referral["case_id"]
    await story.made("ngo-salud", f"{path}/accept", {"focal_point": "Dra. M."})
    await story.made("ngo-salud", f"{path}/complete", {"outcome": "delivered"})
    await story.made("ngo-refugio", f"{path}/confirm", {"confirmed_by": "person", "agrees": True})
    given = {"support_type": "Legal", "given_on": clock.today().isoformat()}
    response = await story.post("ngo-refugio", f"/cases/{case_id}/assistance", given)
    assert response.status_code == 201, response.text


async def approved(story: Story, case_id: str, service_id: str, **changes: Any) -> str:
    body = {**exception_body(case_id, service_id), "items": ["name", "situation"], **changes}
    exception = await story.made("ngo-refugio", "/exceptions", body)
    decision = f"/exceptions/{exception['id']}/decision"
    await story.made("ngo-refugio-supervisor", decision, {"approve": True})
    return str(exception["id"])


async def test_what_was_decided_in_the_best_interest_of_a_child_gives_an_adult_nothing_new(
    story: Story,
) -> None:
    """The rule covers a referral approved at 17, sent alone and in a batch, and an answer to a question."""
    birth = years_ago(18, less_days=60)
    child = await story.child(0, identity={"age": None, "birth_date": birth})
    service_id = await story.service()
    best = {"basis": "best_interest"}
    waits, asked = [await approved(story, child["id"], service_id, **best) for _ in range(2)]
    vital = await approved(story, child["id"], service_id)
    drafts = [
        (await story.draft(child["id"], service_id, from_case=["name"]))["id"] for _ in range(3)
    ]
    await story.made("ngo-refugio", f"/referrals/{drafts[0]}/send", {"exception_id": asked})
    await story.made("ngo-salud", f"/referrals/{drafts[0]}/acknowledge", {})
    question = {"question": "since when?"}
    await story.made("ngo-salud", f"/referrals/{drafts[0]}/request-information", question)
    with clock.shifted(timedelta(days=90)):
        send, body = f"/referrals/{drafts[1]}/send", {"exception_id": waits}
        alone = await story.post("ngo-refugio", send, body)
        assert alone.status_code == 409, alone.text
        command = {"key": "s", "path": f"/referrals/v1{send}", "body": body}
        batch = await story.made("ngo-refugio", "/bulk", {"commands": [command]})
        assert batch["results"][0]["body"]["code"] == "wrong_decider"
        answer = f"/referrals/{drafts[0]}/answer-information"
        assert code(await story.post("ngo-refugio", answer, ANSWER)) == (409, "wrong_decider")
        again = {**exception_body(child["id"], service_id), **best}
        assert code(await story.post("ngo-refugio", "/exceptions", again)) == (409, "wrong_decider")
        send = f"/referrals/{drafts[2]}/send"
        also: dict[str, Any] = {"exception_id": vital, "in_addition": True}
        await story.made("ngo-refugio", send, also)


@pytest.mark.parametrize("road", ["alone", "batch"])
async def test_what_is_open_to_the_new_holder_of_a_case_ends_as_its_own_work(
    story: Story, road: str
) -> None:
    """A referrer must not deliver its own referral. A delivered referral needs no confirmation from the new holder
    itself."""
    case_id, service_id = (await story.case())["id"], await story.service()
    sent, going, done = [
        (await story.sent(case_id=case_id, service_id=service_id))["id"] for _ in range(3)
    ]
    for referral_id in (going, done):
        await story.made("ngo-salud", f"/referrals/{referral_id}/accept", {"focal_point": "x"})
    await story.made("ngo-salud", f"/referrals/{done}/complete", {"outcome": "delivered"})
    draft = (await story.draft(case_id, service_id))["id"]
    elsewhere = (await story.draft(case_id, await story.service(LEGAL)))["id"]
    offer = await transfer_offer(story, case_id, SALUD)
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    accept = f"/transfers/{transfer['id']}/accept"
    if road == "batch":
        command = {"key": "a", "path": f"/referrals/v1{accept}", "body": {}}
        await story.made("ngo-salud", "/bulk", {"commands": [command]})
    else:
        await story.made("ngo-salud", accept, {})

    async def seen(referral_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await story.get("ngo-salud", f"/referrals/{referral_id}")).json()
        return found

    for referral_id in (sent, going, draft):
        assert (await seen(referral_id))["state"] == "recalled", referral_id
        assert (await seen(referral_id))["reason"] == "own_work"
    assert (await seen(elsewhere))["state"] == "draft"
    complete = f"/referrals/{going}/complete"
    assert (await story.post("ngo-salud", complete, {"outcome": "delivered"})).status_code == 409
    assert (await seen(done))["state"] == "completed"
    confirm = {"confirmed_by": "person", "agrees": True}
    assert (await story.post("ngo-salud", f"/referrals/{done}/confirm", confirm)).status_code == 403
    tasks = await tasks_of(story, "ngo-salud", {"id": case_id})
    assert {t["referral_id"] for t in tasks if t["kind"] == "own_work"} == {sent, going}
    assert (await story.get("ngo-refugio", f"/referrals/{sent}")).status_code == 404
    assert "referral.recalled" not in await story.told_to("ngo-refugio", sent)


async def test_an_exception_that_a_former_holder_approved_sends_nothing(story: Story) -> None:
    case_id, service_id = (await story.case())["id"], await story.service()
    exception = await approved(story, case_id, service_id)
    draft = await story.draft(case_id, service_id, from_case=["name"])
    transfer = await story.made(
        "ngo-refugio", "/transfers", await transfer_offer(story, case_id, LEGAL)
    )
    await story.made("ngo-legal", f"/transfers/{transfer['id']}/accept", {})
    send = f"/referrals/{draft['id']}/send"
    refused = await story.post("ngo-legal", send, {"exception_id": exception})
    assert refused.status_code == 409, refused.text


@pytest.mark.parametrize("end", ["withdrawn", "expired", "of_age", "caregiver"])
async def test_once_reporting_consent_has_ended_no_event_and_no_export_tells_anything(
    story: Story, end: str
) -> None:
    child = await story.child(
        10,
        caregiver="available",
        attributes={"sex": "female", "populations": ["VOT"], "exploitation_types": []},
    )
    by_caregiver = {"decided_by": "caregiver", "child_assent": "agrees"}
    reporting = await story.made(
        "ngo-refugio",
        "/consents",
        {
            "case_id": child["id"],
            "kind": "reporting",
            "method": "verbal",
            "valid_until": in_hours(1) if end == "expired" else None,
            **by_caregiver,
        },
    )
    referral = await story.sent(
        case_id=child["id"],
        consent={**by_caregiver, "items": ["name", "situation"]},
        from_case=["name"],
    )
    before = await attributes_told(story, child["id"])
    assert before[-1] is True
    exported = (await story.get("ngo-refugio", "/assistance/htcds")).text
    assert child["reference"] in exported
    shift = timedelta(0)
    if end == "withdrawn":
        await story.made("ngo-refugio", f"/consents/{reporting['id']}/withdraw", {})
    elif end == "expired":
        shift = SHORT
    elif end == "of_age":
        await change(story, child["id"], identity={"name": "Ana Canaria", "age": 18})
    else:
        await change(story, child["id"], caregiver="implicated")
    with clock.shifted(shift):
        await telling_steps(story, referral)
        after = await attributes_told(story, child["id"])
        assert not any(after[len(before) :])
        assert child["reference"] not in (await story.get("ngo-refugio", "/assistance/htcds")).text


async def test_who_takes_back_being_counted_is_not_counted_under_an_older_consent(
    story: Story,
) -> None:
    case = await story.case()
    body = {"case_id": case["id"], "kind": "reporting", "method": "verbal"}
    given = [await story.made("ngo-refugio", "/consents", body) for _ in range(2)]
    await story.made("ngo-refugio", f"/consents/{given[1]['id']}/withdraw", {})
    await story.sent(case_id=case["id"])
    assert (await attributes_told(story, case["id"]))[-1] is False


async def test_text_typed_freely_goes_only_with_an_item_that_covers_it(story: Story) -> None:
    case, service_id = await story.case(), await story.service()
    whispered = {"rule": "person_comes", "instructions": "she waits at the red door"}
    for items, status in ((["name", "situation"], 422), (["name", "situation", "safety"], 200)):
        grant = await story.consent(case["id"], service_id, items=items)
        draft = await story.draft(
            case["id"], service_id, from_case=["name"], safe_contact=whispered
        )
        path = f"/referrals/{draft['id']}/send"
        response = await story.post("ngo-refugio", path, {"grant_id": grant["id"]})
        assert response.status_code == status, response.text
        if status == 422:
            assert response.json()["errors"][0]["pointer"] == "/safe_contact/instructions"


async def test_a_wish_taken_back_closes_the_thread_to_whom_it_was_handed(
    story: Story, reporter: Reporter
) -> None:
    await story.service(LEGAL)
    report = await reporter.report(wants_case=True)
    await story.made(
        "tip-coordinator",
        f"/line/reports/{report['id']}/hand-over",
        {"organisation_id": str(LEGAL)},
    )
    path = f"/line/handed-over/{report['id']}"
    case = await story.made("ngo-legal", f"{path}/case", {"area": "VE2313"})
    assert (await story.get("ngo-legal", path)).status_code == 200
    await reporter.do("wish", wants_case=False)
    assert code(await story.get("ngo-legal", path)) == (410, "consent_withdrawn")
    assert (await story.get("ngo-legal", "/line/handed-over")).json()["items"] == []
    assert (await story.get("ngo-legal", f"/cases/{case['id']}")).status_code == 200


async def test_a_former_holder_reads_no_more_of_the_line(story: Story, reporter: Reporter) -> None:
    await story.service(LEGAL)
    report = await reporter.report(wants_case=True)
    hand_over = f"/line/reports/{report['id']}/hand-over"
    await story.made("tip-coordinator", hand_over, {"organisation_id": str(LEGAL)})
    path = f"/line/handed-over/{report['id']}"
    case = await story.made("ngo-legal", f"{path}/case", {"area": "VE2313"})
    offer = await transfer_offer(story, case["id"], REFUGIO, "ngo-legal")
    transfer = await story.made("ngo-legal", "/transfers", offer)
    await story.made("ngo-refugio", f"/transfers/{transfer['id']}/accept", {})
    assert (await story.get("ngo-legal", path)).status_code == 404
    assert (await story.get("ngo-legal", "/line/handed-over")).json()["items"] == []
