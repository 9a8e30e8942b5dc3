"""Refusals of steps, effects of a consent's end, and rules without a scenario number."""

from datetime import timedelta
from typing import Any

import pytest
from common import clock
from common.ids import new_id
from referrals.ground.directory.consumers import flag_stale
from referrals.ground.keys.store import CaseKeys
from referrals.ground.row_security import act_as_service
from referrals.referral.escalations.due_timers import fire_due

from tests.services.referrals.one_round import called
from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_scenarios import code, exception_body, transfer_offer
from tests.support.principals import principal


async def test_an_illegal_step_names_the_legal_ones(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    refused = await story.post("ngo-salud", f"{path}/start")
    assert code(refused) == (409, "illegal_transition")
    problem = refused.json()
    now = (await story.get("ngo-salud", path)).json()
    assert problem["legal_transitions"] == now["legal_transitions"]
    assert {"acknowledge", "accept", "decline"} <= set(problem["legal_transitions"])
    assert (problem["state"], problem["version"]) == ("sent", referral["version"])


async def test_a_step_on_an_older_version_is_refused_but_a_withdrawal_never(story: Story) -> None:
    referral = await story.sent()
    path, read = f"/referrals/{referral['id']}", {"expected_version": referral["version"]}
    await story.made("ngo-salud", f"{path}/acknowledge", read)
    stale = await story.post("ngo-salud", f"{path}/accept", {"focal_point": "x", **read})
    assert code(stale) == (409, "version_conflict")
    assert stale.json()["version"] == referral["version"] + 1
    assert (await story.get("ngo-salud", path)).json()["state"] == "acknowledged"
    for wrong in ({"expected_version": 1}, {"reason": "x"}):
        assert (await story.post("ngo-refugio", f"{path}/withdraw", wrong)).status_code == 422
    await story.made("ngo-refugio", f"{path}/withdraw", {})


async def test_a_draft_is_nobody_elses_and_not_sent_twice(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    grant = await story.consent(case["id"], service_id)
    draft = await story.draft(case["id"], service_id)
    send, body = f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
    assert (await story.get("ngo-salud", f"/referrals/{draft['id']}")).status_code == 404
    for who in ("ngo-salud", "ngo-legal"):
        assert (await story.post(who, send, body)).status_code == 404
    stale = await story.post("ngo-refugio", send, {**body, "expected_version": 7})
    assert code(stale) == (409, "version_conflict")
    other = await story.case()
    elsewhere = f"/cases/{other['id']}{send}"
    assert (await story.post("ngo-refugio", elsewhere, body)).status_code == 404
    sent = await story.made("ngo-refugio", f"/cases/{case['id']}{send}", body)
    assert sent["grant_id"] == grant["id"]
    read = (await story.get("ngo-refugio", f"/referrals/{draft['id']}")).json()
    parts = ("alternatives", "disclosure", "disclosure_refused", "history", "readings")
    unasked = dict.fromkeys(parts)
    assert read == sent | unasked
    assert code(await story.post("ngo-refugio", send, body)) == (409, "illegal_transition")


async def test_after_an_expiry_other_services_are_offered(
    story: Story, case_keys: CaseKeys
) -> None:
    service_id = await story.service(categories=("GP-DOC",))
    other = await story.service(LEGAL, categories=("GP-DOC",))
    referral = await story.sent(
        service_id=service_id, category="GP-DOC", consent={"purpose": "GP-DOC"}
    )
    for day in range(40):
        with clock.shifted(timedelta(days=day)):
            waits = "timers" in await called(story.database)
            assert waits == bool(await fire_due(story.database, case_keys, clock.now()))
    path = f"/referrals/{referral['id']}"
    assert (await story.get("ngo-refugio", path)).json()["state"] == "expired"
    offered = (await story.get("ngo-refugio", f"{path}/alternatives")).json()
    assert [each["service_id"] for each in offered] == [other]
    again = await story.draft(
        referral["case_id"], other, category="GP-DOC", replaces=referral["id"]
    )
    assert again["replaces"] == referral["id"]


async def test_only_what_has_ended_is_replaced(story: Story) -> None:
    referral = await story.sent()
    body = {
        "case_id": referral["case_id"],
        "service_id": referral["service_id"],
        "category": "HLT",
        "replaces": referral["id"],
    }
    refused = await story.post("ngo-refugio", "/referrals", body)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/replaces")
    unknown = {**body, "replaces": str(new_id())}
    assert (await story.post("ngo-refugio", "/referrals", unknown)).status_code == 404
    path = f"/referrals/{referral['id']}"
    for step, said in (
        ("acknowledge", {}),
        ("waitlist", {"expected_on": "2099-01-01", "person_agrees": True}),
        ("accept", {"focal_point": "x"}),
        ("start", {}),
        ("hold", {"reason": "other", "review_on": "2099-01-01"}),
    ):
        await story.made("ngo-salud", f"{path}/{step}", said)
        refused = await story.post("ngo-refugio", "/referrals", body)
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/replaces"), step
    await story.made("ngo-refugio", f"{path}/recall", {"reason": "no_answer"})
    assert (await story.made("ngo-refugio", "/referrals", body))["replaces"] == referral["id"]


async def test_a_withdrawn_draft_leaves_no_consent_to_be_used(story: Story) -> None:
    case_id, service_id = (await story.case())["id"], await story.service()
    other = await story.consent(case_id, await story.service(LEGAL))
    grant = await story.consent(case_id, service_id)
    draft = await story.draft(case_id, service_id)
    await story.made("ngo-refugio", f"/referrals/{draft['id']}/withdraw", {})
    states = [
        (await story.get("ngo-refugio", f"/consents/{each['id']}")).json()["status"]
        for each in (grant, other)
    ]
    assert states == ["withdrawn", "active"]


async def events_of(story: Story, referral_id: str) -> list[dict[str, Any]]:
    rows = await story.rows(
        "SELECT payload FROM outbox WHERE aggregateid = :id ORDER BY version", id=referral_id
    )
    return [row.payload for row in rows]


async def test_statistics_have_a_consent_of_their_own(story: Story) -> None:
    """A service never waits for this consent, and attributes of the person are published only while it is valid."""
    service_id, case = await story.service(), await story.case()
    without = await story.sent(case_id=case["id"], service_id=service_id)
    assert [e.get("attributes") for e in await events_of(story, without["id"])] == [None]
    body = {"case_id": case["id"], "kind": "reporting", "method": "verbal"}
    grant = await story.made("ngo-refugio", "/consents", body)
    counted = await story.sent(case_id=case["id"], service_id=service_id)
    path = f"/referrals/{counted['id']}"
    await story.made("ngo-salud", f"{path}/accept", {"focal_point": "x"})
    told = [event["attributes"] for event in await events_of(story, counted["id"])]
    assert [t["sex"] for t in told] == ["female", "female"]
    assert "Yolimar" not in str(told)
    await story.made("ngo-refugio", f"/consents/{grant['id']}/withdraw", {})
    assert (await story.get("ngo-salud", path)).json()["state"] == "accepted"
    await story.made("ngo-salud", f"{path}/start", {})
    assert (await events_of(story, counted["id"]))[-1].get("attributes") is None


async def test_20_a_stale_entry_is_not_chosen_and_its_open_referrals_are_flagged(
    story: Story,
) -> None:
    until = clock.now() + timedelta(days=1)
    service_id = await story.service(valid_until=until)
    referral = await story.sent(service_id=service_id)
    case = await story.case()
    with clock.shifted(timedelta(days=2)):
        async with story.database.transaction() as session:
            await act_as_service(session)
            assert await flag_stale(session, clock.now()) == 1
        seen = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
        assert seen["service_flag"] == "not_referable"
        body = story.consent_body(case["id"], service_id)
        assert code(await story.post("ngo-refugio", "/consents", body)) == (409, "not_referable")
        draft = {"case_id": case["id"], "service_id": service_id, "category": "HLT"}
        assert code(await story.post("ngo-refugio", "/referrals", draft)) == (409, "not_referable")
    assert "referral.service_not_referable" in await story.told_to("ngo-refugio", referral["id"])


@pytest.mark.parametrize(
    ("language", "answers", "ending"),
    [
        ("en", [{"answer": "acknowledge"}], ("acknowledged", None)),
        ("es", [{"answer": "decline", "reason": "eligibility"}], ("declined", "eligibility")),
        (
            "en",
            [
                {"answer": "acknowledge"},
                {"answer": "accept", "focal_point": "Reception"},
                {"answer": "not_delivered", "reason": "no_show"},
            ],
            ("not_delivered", "no_show"),
        ),
    ],
)
async def test_21_the_page_takes_every_answer_in_both_languages(
    story: Story, language: str, answers: list[dict[str, str]], ending: tuple[str, str | None]
) -> None:
    referral = await story.sent()
    links = f"/referrals/{referral['id']}/answer-links"
    assert (await story.post("ngo-salud", links)).status_code == 403
    link = await story.made("ngo-refugio", links, {"language": language})
    path = link["url"].split("/referrals/v1", 1)[1]
    for given in answers:
        page = await story.get("anonymous", path)
        assert page.headers["content-language"] == language
        assert f'lang="{language}"' in page.text
        done = await story.form(path, given)
        assert done.status_code == 200, done.text
        assert (await story.form(path, given)).status_code == 410
        following = done.text.split('class="long" href="http')
        path = following[1].split('"')[0].split("/referrals/v1", 1)[1] if following[1:] else ""
    now = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
    assert (now["state"], now["reason"]) == ending


async def test_21_a_new_link_ends_the_former_and_a_withdrawal_closes_the_page(
    story: Story,
) -> None:
    referral = await story.sent()
    links = f"/referrals/{referral['id']}/answer-links"
    made = [await story.made("ngo-refugio", links, {}) for _ in range(2)]
    paths = [link["url"].split("/referrals/v1", 1)[1] for link in made]
    assert (await story.get("anonymous", paths[0])).status_code == 410
    await story.made("ngo-refugio", f"/referrals/{referral['id']}/withdraw", {})
    page = await story.get("anonymous", paths[1])
    assert "<form" not in page.text
    accepted = await story.form(paths[1], {"answer": "accept", "focal_point": "x"})
    assert accepted.status_code in (410, 422, 200)
    now = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
    assert now["state"] == "withdrawn"


async def test_a_case_is_not_closed_while_somebody_is_to_answer(story: Story) -> None:
    """A case with open referrals cannot be closed, because a response would reach nobody. Drafts may remain."""
    referral = await story.sent()
    path, body = f"/cases/{referral['case_id']}/close", {"reason": "needs_met"}
    refused = await story.post("ngo-refugio", path, body)
    assert code(refused) == (409, "open_referrals")
    assert refused.json()["referral_ids"] == [referral["id"]]
    await story.made("ngo-refugio", f"/referrals/{referral['id']}/recall", {"reason": "other"})
    draft = await story.draft(referral["case_id"], await story.service())
    await story.made("ngo-refugio", path, body)
    send = f"/referrals/{draft['id']}/send"
    late = await story.post("ngo-refugio", send, {"grant_id": referral["grant_id"]})
    assert late.status_code == 409
    consent = story.consent_body(referral["case_id"], referral["service_id"])
    assert (await story.post("ngo-refugio", "/consents", consent)).status_code == 409


async def test_03_an_exception_is_reviewed_by_somebody_who_took_no_part(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    body = exception_body(case["id"], service_id)
    made = await story.made("ngo-refugio", "/exceptions", body)
    path = f"/exceptions/{made['id']}"
    assert (await story.get("ngo-refugio", path)).json()["rationale"] == body["rationale"]
    for who in ("ngo-salud", "ngo-legal"):
        assert (await story.get(who, path)).status_code == 404
    await story.made("ngo-refugio-supervisor", f"{path}/decision", {"approve": True})
    twice = await story.post("ngo-refugio-supervisor", f"{path}/decision", {"approve": False})
    assert twice.status_code == 409
    for who in ("ngo-refugio", "ngo-refugio-supervisor"):
        assert code(await story.post(who, f"{path}/review")) == (403, "second_person_needed")
    third = {"client_id": "third", "sub": "third"}
    reviewed = await story.made("ngo-refugio", f"{path}/review", {}, **third)
    assert reviewed["reviewed_by"] == "third"


async def test_a_changed_name_is_found_the_former_is_not_and_the_rest_is_kept(
    story: Story,
) -> None:
    case = await story.case()
    path = f"/cases/{case['id']}"
    change = {"identity": {"name": "Marisol Nueva", "age": 30}}
    assert (await story.call("ngo-salud", "PATCH", path, change)).status_code == 404
    changed = await story.call("ngo-refugio", "PATCH", path, change)
    assert (changed.status_code, changed.json()["version"]) == (200, case["version"] + 1)
    for name, found in (("marisol", [case["id"]]), ("yolimar", [])):
        page = await story.made("ngo-refugio", "/cases/search", {"name": name})
        assert [each["id"] for each in page["items"]] == found
    seen = (await story.get("ngo-refugio", path)).json()
    assert (seen["identity"]["name"], seen["identity"]["age"]) == ("Marisol Nueva", 30)
    assert (seen["attributes"]["nationality"], seen["area"]) == ("VE", "VE2313")


async def test_a_coordinator_counts_what_is_late_and_sees_no_referral(story: Story) -> None:
    service_id = await story.service(categories=("GBV-PSS",))
    referral = await story.sent(
        service_id=service_id, category="GBV-PSS", consent={"purpose": "GBV-PSS"}
    )
    assert (await story.get("ngo-salud", "/timers/overdue")).status_code == 403
    with clock.shifted(timedelta(days=4)):
        counted = (await story.get("gbv-coordinator", "/timers/overdue")).json()
        assert counted == [{"aor": "GBV", "category": "GBV-PSS", "urgency": "urgent", "count": 1}]
        assert (await story.get("cp-coordinator", "/timers/overdue")).json() == []
        told = [{"aor": "GBV", "urgency": "urgent", "organisations": 1}]
        for who, path, said in (
            ("gbv-coordinator", "/work", told),
            ("gbv-coordinator", "/work?urgency=urgent", []),
            ("cp-coordinator", "/work", []),
            ("ngo-salud", "/work", []),
        ):
            assert (await story.get(who, path)).json()["to_call"] == said, (who, path)
    path = f"/referrals/{referral['id']}"
    assert (await story.get("gbv-coordinator", path)).status_code in (403, 404)


async def test_a_coordinator_of_some_states_counts_what_is_late_there(story: Story) -> None:
    """The count excludes everything that accuses the coordinator's own organisation."""
    service_id = await story.service(categories=("GBV-PSS",))
    words: dict[str, Any] = {"category": "GBV-PSS", "consent": {"purpose": "GBV-PSS"}}
    here = await story.sent(service_id=service_id, **words)
    who = "gbv-coordinator"

    async def counted(path: str, areas: list[str]) -> list[int]:
        said = (await story.get(who, path, areas=areas)).json()
        if path == "/work":
            return [each["organisations"] for each in said["to_call"]]
        return [each["count"] for each in said]

    with clock.shifted(timedelta(days=4)):
        for path in ("/timers/overdue", "/work"):
            assert await counted(path, []) == [1], path
            assert await counted(path, ["VE23"]) == [1], path
            assert await counted(path, ["VE20"]) == [], path
        own = principal(who).organisation_id
        body = {"organisation_ids": [str(own)]}
        marked = f"/cases/{here['case_id']}/implicated-organisations"
        assert (await story.call("ngo-refugio", "PUT", marked, body)).status_code == 200
        assert await counted("/timers/overdue", ["VE23"]) == []


LATE = "/timers/overdue/organisations"
GBV: dict[str, Any] = {"category": "GBV-PSS", "consent": {"purpose": "GBV-PSS"}}


async def test_who_is_late_with_what_is_told_without_a_small_number(story: Story) -> None:
    """Two steps of one organisation have twelve and two late referrals. The response shows no referral, place or
    category."""
    service_id = await story.service(categories=("GBV-PSS",))
    for _ in range(12):
        await story.sent(service_id=service_id, **GBV)
    for _ in range(2):
        read = await story.sent(service_id=service_id, **GBV)
        await story.made("ngo-salud", f"/referrals/{read['id']}/acknowledge", {})
    for who in ("ngo-salud", "ngo-salud-supervisor"):
        assert (await story.get(who, LATE)).status_code == 403
    with clock.shifted(timedelta(days=5)):
        (one,) = (await story.get("gbv-coordinator", LATE)).json()
        assert (await story.get("cp-coordinator", LATE)).json() == []
    assert one == {
        "organisation_id": str(SALUD),
        "aor": "GBV",
        "urgency": "urgent",
        "late": [
            {"urgency": "urgent", "state": "acknowledged", "at_least": 1},
            {"urgency": "urgent", "state": "sent", "at_least": 11},
        ],
        "service_ids": [service_id],
        "to_call": True,
        "call": None,
    }
    assert await story.rows("SELECT id FROM audit_entries WHERE action = 'late.read'")


async def test_an_organisation_is_not_named_by_a_service_that_is_not_shown(story: Story) -> None:
    service_id = await story.service(categories=("GBV-PSS",))
    await story.sent(service_id=service_id, **GBV)
    await story.rows(
        "UPDATE directory_services SET visibility = 'restricted', aors = '{CP}'"
        f" WHERE service_id = '{service_id}' RETURNING service_id"
    )
    with clock.shifted(timedelta(days=5)):
        (one,) = (await story.get("gbv-coordinator", LATE)).json()
        call = {"aor": "GBV", "outcome": "will_act"}
        refused = await story.post("gbv-coordinator", f"{LATE}/{SALUD}/calls", call)
    assert (one["organisation_id"], one["service_ids"], one["to_call"]) == (None, [], True)
    assert refused.status_code == 404


async def test_an_organisation_that_was_called_is_called_again_once_its_time_has_passed(
    story: Story,
) -> None:
    service_id = await story.service(categories=("GBV-PSS",))
    await story.sent(service_id=service_id, **GBV)
    path, call = f"{LATE}/{SALUD}/calls", {"aor": "GBV", "outcome": "will_act"}
    assert (await story.post("gbv-coordinator", path, call)).status_code == 404, "nothing is late"
    with clock.shifted(timedelta(days=5)):
        assert (await story.post("cp-coordinator", path, call)).status_code == 403
        noted = await story.made("gbv-coordinator", path, call)
        assert (noted["to_call"], noted["call"]["outcome"]) == (False, "will_act")
        assert (await story.get("gbv-coordinator", "/work")).json()["to_call"] == []
        (told,) = await story.rows(
            "SELECT organisation_id, for_supervisor FROM notices WHERE kind = 'late.called'"
        )
        assert tuple(told) == (SALUD, True)
    with clock.shifted(timedelta(days=6, minutes=1)):
        (one,) = (await story.get("gbv-coordinator", LATE)).json()
        assert one["to_call"], "an urgent answer has a day"


async def test_the_feed_goes_on_where_it_ended(story: Story) -> None:
    first = (await story.get("ngo-salud", "/feed")).json()
    referral = await story.sent()
    page = (await story.get("ngo-salud", f"/feed?cursor={first['next_cursor']}")).json()
    assert [i["subject_id"] for i in page["items"]] == [referral["id"]]
    again = (await story.get("ngo-salud", f"/feed?cursor={page['next_cursor']}")).json()
    assert (again["items"], again["more"]) == ([], False)
    assert (await story.get("ngo-legal", "/feed")).json()["items"] == []
    for wrong in ("x", "W10", first["next_cursor"][:-3]):
        bad = await story.get("ngo-salud", f"/feed?cursor={wrong}")
        assert code(bad) == (400, "bad_cursor")


async def test_15_what_a_recipient_is_to_delete_stays_its_own_when_the_case_moves_on(
    story: Story,
) -> None:
    """Salud receives a referral, takes over the case, hands it on and gets it back."""
    referral = await story.sent()
    case_id, holder = referral["case_id"], "ngo-refugio"
    grant = f"/consents/{referral['grant_id']}/withdraw"
    for to, who in ((SALUD, "ngo-salud"), (REFUGIO, "ngo-refugio"), (SALUD, "ngo-salud")):
        offer = await transfer_offer(story, case_id, to, holder)
        transfer = await story.made(holder, "/transfers", offer)
        await story.made(who, f"/transfers/{transfer['id']}/accept", {})
        holder = who
        await story.made(holder, grant, {})
    tasks = {
        who: [t["kind"] for t in (await story.get(who, "/tasks")).json()["items"]]
        for who in ("ngo-refugio", "ngo-salud")
    }
    assert tasks == {"ngo-refugio": [], "ngo-salud": ["delete_disclosed_data", "own_work"]}


async def test_break_glass_leaves_the_reader_no_referral(story: Story) -> None:
    """Break-glass opens one case for one person and one hour, without the case's referrals."""
    referral = await story.sent()
    case = (await story.get("ngo-refugio", f"/cases/{referral['case_id']}")).json()
    ask = {"case_reference": case["reference"], "reason": "child missing, police asks tonight"}
    access = await story.made("cp-coordinator", "/break-glass", ask)
    path = f"/break-glass/{access['id']}"
    await story.made("ngo-refugio-supervisor", f"{path}/decision", {"approve": True})
    assert (await story.get("cp-coordinator", f"{path}/case")).status_code == 200
    for other in (f"/cases/{referral['case_id']}", f"/referrals/{referral['id']}/disclosure"):
        assert (await story.get("cp-coordinator", other)).status_code in (403, 404)
    assert "break_glass" not in str((await story.get("ngo-salud", "/feed")).json())
