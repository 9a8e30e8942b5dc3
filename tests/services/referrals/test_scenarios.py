"""The acceptance scenarios of referrals and consent, by number (23 and 24 have their own modules).

The same functions run through the gateway in tests/system/test_referral_scenarios.py. Scenarios 10, 15 and 16 with five
replicas are in test_replicas.py.
"""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from common import clock
from common.events.directory import PathwayPublished, ServiceWithdrawn
from common.ids import new_id
from common.pages.look import EXIT_SCRIPT
from httpx import Response
from referrals.case.cases.retention import ask_reconsent
from referrals.ground.keys.store import CaseKeys
from referrals.ground.row_security import act_as_service
from referrals.referral.escalations.due_timers import _fire, fire_due

from tests.services.referrals.story import BODIES, LEGAL, REFUGIO, SALUD, Story
from tests.support.principals import organisation


def code(response: Response) -> tuple[int, str]:
    """Return the status and the refusal's code, or "" for a success."""
    return response.status_code, response.json().get("code", "")


async def test_01_consent_withdrawn_after_sending_stops_reading_at_once(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 200
    told = (await story.post("ngo-refugio", f"/consents/{referral['grant_id']}/withdraw")).json()
    assert told["referrals_ended"] == [referral["id"]]
    assert [r["organisation_id"] for r in told["already_read"]] == [str(SALUD)]
    assert code(await story.get("ngo-salud", f"{path}/disclosure")) == (410, "consent_withdrawn")
    assert (await story.get("ngo-salud", path)).json()["state"] == "withdrawn"
    for who in ("ngo-refugio", "ngo-salud"):
        assert "referral.withdrawn" in await story.told_to(who, referral["id"])
    audited = [
        entry["action"]
        for target in (referral["id"], referral["grant_id"])
        for entry in (await story.get("auditor", f"/audit?target_id={target}")).json()["items"]
    ]
    assert {"referral.sent", "disclosure.read", "referral.withdrawn", "consent.withdrawn"} <= set(
        audited
    )
    tasks = (await story.get("ngo-salud", "/tasks")).json()["items"]
    (task,) = [t for t in tasks if t["referral_id"] == referral["id"]]
    assert task["kind"] == "delete_disclosed_data"
    await story.made("ngo-salud", f"/tasks/{task['id']}/done", {})


async def test_01_withdrawing_never_fails_and_can_be_repeated(story: Story) -> None:
    referral = await story.accepted()
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/complete", {"outcome": "delivered"})
    for _ in range(2):
        response = await story.post("ngo-refugio", f"/consents/{referral['grant_id']}/withdraw")
        assert response.status_code == 200
    assert (await story.get("ngo-salud", path)).json()["state"] == "completed"
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 410


async def test_01_the_person_withdraws_with_their_own_code(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    grant = await story.consent(case["id"], service_id)
    draft = await story.draft(case["id"], service_id)
    await story.made("ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]})
    wrong = await story.post("anonymous", "/withdrawals", {"code": "0000-0000-0000-0000"})
    assert wrong.status_code == 404
    done = await story.post("anonymous", "/withdrawals", {"code": grant["withdrawal_code"]})
    assert done.status_code == 200
    assert (await story.get("ngo-salud", f"/referrals/{draft['id']}")).json()["state"] == (
        "withdrawn"
    )


async def test_02_withdrawn_while_in_service_keeps_the_recipients_own_record(
    story: Story,
) -> None:
    referral = await story.accepted()
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/start", {})
    await story.made("ngo-salud", f"{path}/withdraw", {"method": "in_person"})
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 410
    history = (await story.get("ngo-salud", f"{path}/history")).json()
    accepted = next(s for s in history if s["command"] == "accept")
    assert accepted["detail"] == {"focal_point": "Dra. M."}


@pytest.mark.parametrize("field", ["consent_overridden", "override", "force"])
async def test_03_an_override_is_refused(story: Story, field: str) -> None:
    service_id, case = await story.service(), await story.case()
    draft = await story.draft(case["id"], service_id)
    response = await story.post("ngo-refugio", f"/referrals/{draft['id']}/send", {field: True})
    assert response.status_code == 422
    assert (await story.get("ngo-refugio", f"/referrals/{draft['id']}")).json()["state"] == "draft"


def exception_body(case_id: str, service_id: str) -> dict[str, object]:
    return {
        "case_id": case_id,
        "service_id": service_id,
        "purpose": "HLT",
        "basis": "vital_interest",
        "rationale": "unconscious, needs care within the hour",
        "person_informed": False,
        "items": ["name", "health"],
    }


async def test_03_nobody_approves_their_own_exception(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    both = {"roles": ["caseworker", "supervisor"]}
    exception = await story.made(
        "ngo-refugio-supervisor", "/exceptions", exception_body(case["id"], service_id), **both
    )
    decision = f"/exceptions/{exception['id']}/decision"
    own = await story.post("ngo-refugio-supervisor", decision, {"approve": True}, **both)
    assert code(own) == (403, "second_person_needed")
    assert (await story.post("ngo-refugio", decision, {"approve": True})).status_code == 403


async def test_03_an_approved_exception_covers_what_it_names_and_is_listed(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    exception = await story.made(
        "ngo-refugio", "/exceptions", exception_body(case["id"], service_id)
    )
    draft = await story.draft(
        case["id"], service_id, payload={"health": "bleeding"}, from_case=["name"]
    )
    send = f"/referrals/{draft['id']}/send"
    body = {"exception_id": exception["id"]}
    assert code(await story.post("ngo-refugio", send, body)) == (409, "consent_pending")
    await story.made(
        "ngo-refugio-supervisor", f"/exceptions/{exception['id']}/decision", {"approve": True}
    )
    await story.made("ngo-refugio", send, body)
    seen = (await story.get("ngo-salud", f"/referrals/{draft['id']}/disclosure")).json()
    assert set(seen["items"]) == {"name", "health"}
    listed = (await story.get("ngo-refugio", "/exceptions")).json()["items"]
    assert [e["status"] for e in listed if e["id"] == exception["id"]] == ["approved"]
    others = (await story.get("ngo-salud", "/exceptions")).json()["items"]
    assert exception["id"] not in [e["id"] for e in others]


async def test_04_a_consent_for_health_does_not_cover_a_legal_referral(story: Story) -> None:
    health = await story.service(categories=("HLT", "GP-DOC"))
    legal = await story.service(LEGAL, categories=("GP-DOC",))
    case = await story.case()
    grant = await story.consent(case["id"], health)
    for service_id in (legal, health):
        draft = await story.draft(case["id"], service_id, category="GP-DOC")
        response = await story.post(
            "ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
        )
        assert code(response) == (409, "no_consent")


async def test_05_an_item_that_was_not_granted_is_refused_and_not_disclosed(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    grant = await story.consent(case["id"], service_id, items=["name", "situation"])
    draft = await story.draft(
        case["id"], service_id, payload={"situation": "x", "health": "canary"}, from_case=["name"]
    )
    response = await story.post(
        "ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
    )
    assert code(response) == (422, "not_granted")
    assert response.json()["items"] == ["health"]
    assert "canary" not in response.text
    left = "SELECT 1 FROM snapshots WHERE referral_id = :id"
    assert await story.rows(left, id=draft["id"]) == []


async def test_05_an_answer_stays_within_the_grant(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/acknowledge", {})
    await story.made("ngo-salud", f"{path}/request-information", {"question": "since when?"})
    answer = f"{path}/answer-information"
    refused = await story.post("ngo-refugio", answer, {"payload": {"health": "…"}})
    assert code(refused) == (422, "not_granted")
    await story.made("ngo-refugio", answer, {"payload": {"situation": "since May"}})
    seen = (await story.get("ngo-salud", f"{path}/disclosure")).json()
    assert seen["answers"] == [{"situation": "since May"}]
    assert seen["items"]["situation"] == "needs a consultation"


async def test_06_a_colleague_outside_the_recipient_service_reads_404(story: Story) -> None:
    service_id = await story.service()
    referral = await story.sent(service_id=service_id)
    team = await story.call(
        "ngo-salud-supervisor",
        "PUT",
        f"/services/{service_id}/team",
        {"clients": ["salud-reception"]},
    )
    assert team.status_code == 200
    for path in ("", "/disclosure", "/history"):
        response = await story.get("ngo-salud", f"/referrals/{referral['id']}{path}")
        assert response.status_code == 404
    inbox = (await story.get("ngo-salud", f"/referrals/inbox?service_id={service_id}")).json()
    assert inbox["items"] == []
    accept = f"/referrals/{referral['id']}/accept"
    assert (await story.post("ngo-salud", accept, {"focal_point": "x"})).status_code == 404
    member = {"client_id": "salud-reception", "sub": "salud-reception"}
    await story.made("ngo-salud", accept, {"focal_point": "x"}, **member)


async def test_06_a_team_that_lists_the_client_of_browsers_lets_nobody_in(story: Story) -> None:
    """Everybody signs in through the browsers' client, so listing it in a team lets nobody in. A team consists of
    people and of clients that act on their own behalf."""
    service_id = await story.service()
    one = f"/referrals/{(await story.sent(service_id=service_id))['id']}"
    person = {"client_id": "ruta-console", "sub": "0190-a-person"}

    async def seen_by_a_person_when_the_team_is(*team: str) -> int:
        path, body = f"/services/{service_id}/team", {"clients": [*team]}
        put = await story.call("ngo-salud-supervisor", "PUT", path, body)
        assert put.status_code == 200
        return (await story.get("ngo-salud", one, **person)).status_code

    assert await seen_by_a_person_when_the_team_is("ruta-console") == 404
    assert await seen_by_a_person_when_the_team_is("ruta-console", "0190-a-person") == 200


async def test_07_the_referrer_cannot_accept_its_own_referral(story: Story) -> None:
    referral = await story.sent()
    accept = f"/referrals/{referral['id']}/accept"
    response = await story.post("ngo-refugio", accept, {"focal_point": "me"})
    assert code(response) == (403, "not_your_step")
    assert (await story.post("ngo-legal", accept, {"focal_point": "me"})).status_code == 404


async def test_08_a_referral_of_another_case_is_not_found_on_any_verb(story: Story) -> None:
    referral = await story.sent()
    other = await story.case()
    wrong = f"/cases/{other['id']}/referrals/{referral['id']}"
    right = f"/cases/{referral['case_id']}/referrals/{referral['id']}"
    for path in ("", "/disclosure", "/history", "/alternatives"):
        assert (await story.get("ngo-refugio", wrong + path)).status_code == 404
        assert (await story.get("ngo-refugio", right + path)).status_code == 200
    bodies = BODIES | {
        "suggest": {"service_id": referral["service_id"]},
        "confirm": {"confirmed_by": "person", "agrees": True},
    }
    for who in ("ngo-refugio", "ngo-salud"):
        for step, body in bodies.items():
            response = await story.post(who, f"{wrong}/{step}", body)
            assert response.status_code == 404, step
    now = (await story.get("ngo-refugio", right)).json()
    assert (now["state"], now["version"]) == ("sent", referral["version"])


async def test_09_declined_for_capacity_tells_the_directory_and_needs_a_new_grant(
    story: Story,
) -> None:
    other = await story.service(LEGAL)
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    await story.made(
        "ngo-salud", f"{path}/decline", {"reason": "capacity", "suggested_service_id": other}
    )
    event = (
        await story.rows(
            "SELECT payload FROM outbox WHERE type LIKE '%referral.declined.v1'"
            " AND aggregateid = :id",
            id=referral["id"],
        )
    )[0].payload
    assert (event["reason"], event["service_id"]) == ("capacity", referral["service_id"])
    offered = (await story.get("ngo-refugio", f"{path}/alternatives")).json()
    assert other in [a["service_id"] for a in offered]
    again = await story.draft(referral["case_id"], other, replaces=referral["id"])
    send = f"/referrals/{again['id']}/send"
    refused = await story.post("ngo-refugio", send, {"grant_id": referral["grant_id"]})
    assert code(refused) == (409, "no_consent")
    fresh = await story.consent(referral["case_id"], other)
    sent = await story.made("ngo-refugio", send, {"grant_id": fresh["id"]})
    assert sent["replaces"] == referral["id"]
    third = await story.draft(referral["case_id"], other)
    refused = await story.post(
        "ngo-refugio", f"/referrals/{third['id']}/send", {"grant_id": fresh["id"]}
    )
    assert code(refused) == (409, "no_consent")


async def test_09_alternatives_follow_the_most_exact_pathway_and_skip_what_was_tried(
    story: Story,
) -> None:
    tried, near, far, unranked = [await story.service(LEGAL) for _ in range(4)]
    pathways = {"VE23": (far, near), "VE2313": (near, tried), "VE20": (unranked,)}
    for area, ranked in pathways.items():
        step = {"step": "1", "need": "HLT", "alternatives": ranked}
        await story.told(
            PathwayPublished.model_validate(
                {"pathway_id": new_id(), "version": 1, "aor": "GBV", "area": area, "steps": [step]}
            )
        )
    before = await story.sent(service_id=tried)
    await story.made("ngo-legal", f"/referrals/{before['id']}/decline", {"reason": "coverage"})
    referral = await story.sent(case_id=before["case_id"])
    path = f"/referrals/{referral['id']}"

    async def offered() -> list[tuple[str, int | None]]:
        found = (await story.get("ngo-refugio", f"{path}/alternatives")).json()
        return [(each["service_id"], each["pathway_rank"]) for each in found]

    others = [(each, None) for each in sorted((far, unranked))]
    assert await offered() == [(near, 1), *others]
    await story.made("ngo-salud", f"{path}/suggest", {"service_id": unranked})
    assert await offered() == [(unranked, None), (near, 1), (far, None)]


async def test_10_nobody_answers_an_urgent_health_referral(
    story: Story, case_keys: CaseKeys
) -> None:
    referral = await story.sent(urgency="urgent")
    start = datetime.fromisoformat(referral["sent_at"])
    for hours in range(0, 30 * 24, 6):
        await fire_due(story.database, case_keys, start + timedelta(hours=hours))
    rows = await story.rows("SELECT step FROM escalations ORDER BY fired_at")
    steps = [row.step for row in rows]
    assert steps == ["reminder", "supervisor", "alternative"]
    assert await fire_due(story.database, case_keys, start + timedelta(days=60)) == 0
    now = (await story.get("ngo-salud", f"/referrals/{referral['id']}")).json()
    assert (now["state"], now["version"]) == ("sent", referral["version"] + 3)
    events = await story.rows(
        "SELECT version, payload FROM outbox WHERE type LIKE '%escalation%' ORDER BY version"
    )
    addressees = [e.payload["organisation_id"] for e in events]
    assert addressees == [str(SALUD), str(SALUD), str(REFUGIO)]
    told = await story.rows("SELECT kind, for_supervisor FROM notices WHERE for_supervisor")
    assert [row.kind for row in told] == ["referral.supervisor"]


async def test_10_a_timer_that_two_replicas_found_due_fires_once(
    story: Story, case_keys: CaseKeys
) -> None:
    referral = await story.sent(urgency="urgent")
    ((now,),) = await story.rows("SELECT due_at FROM timers")
    raised = []
    for _ in range(2):  # Both rounds read the list before a timer fired.
        async with story.database.transaction() as session:
            await act_as_service(session)
            raised.append(await _fire(session, UUID(referral["id"]), keys=case_keys, now=now))
    assert raised == [1, 0]


async def test_10_what_is_not_health_expires_last(story: Story, case_keys: CaseKeys) -> None:
    service_id = await story.service(categories=("GP-DOC",))
    referral = await story.sent(
        service_id=service_id, category="GP-DOC", consent={"purpose": "GP-DOC"}
    )
    start = datetime.fromisoformat(referral["sent_at"])
    for hours in range(0, 30 * 24, 6):
        await fire_due(story.database, case_keys, start + timedelta(hours=hours))
    path = f"/referrals/{referral['id']}"
    assert (await story.get("ngo-refugio", path)).json()["state"] == "expired"
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 410
    rows = await story.rows("SELECT step FROM escalations ORDER BY fired_at")
    assert [r.step for r in rows] == ["reminder", "supervisor", "alternative", "expiry"]


async def test_11_after_a_deadline_it_is_still_actionable_and_marked_late(story: Story) -> None:
    deadline = (clock.now() + timedelta(hours=72)).isoformat()
    referral = await story.sent(clinical_deadline=deadline)
    assert not referral["late"]
    with clock.shifted(timedelta(days=4)):
        overdue = (await story.get("ngo-salud", "/referrals/inbox?overdue=true")).json()
        assert [r["id"] for r in overdue["items"]] == [referral["id"]]
        counts = (await story.get("ngo-salud", "/referrals/inbox/counts")).json()
        assert counts == {"by_state": {"sent": 1}, "overdue": 1, "counted_to": 200}
        done = await story.made(
            "ngo-salud", f"/referrals/{referral['id']}/accept", {"focal_point": "x"}
        )
    assert (done["state"], done["late"]) == ("accepted", True)


async def test_12_child_of_8_whose_caregiver_is_the_alleged_perpetrator(story: Story) -> None:
    service_id = await story.service()
    child = await story.child(8, caregiver="implicated")
    by_caregiver = story.consent_body(
        child["id"], service_id, decided_by="caregiver", child_assent="agrees"
    )
    refused = await story.post("ngo-refugio", "/consents", by_caregiver)
    assert code(refused) == (409, "wrong_decider")
    assert refused.json()["reason"] == "caregiver_implicated"
    shared = story.consent_body(
        child["id"],
        service_id,
        decided_by="best_interest",
        items=["name", "caregiver_contact"],
    )
    assert code(await story.post("ngo-refugio", "/consents", shared)) == (422, "not_granted")
    grant = await story.consent(
        child["id"], service_id, decided_by="best_interest", items=["name", "situation"]
    )
    assert grant["status"] == "pending"
    draft = await story.draft(child["id"], service_id, from_case=["name"])
    send = f"/referrals/{draft['id']}/send"
    pending = await story.post("ngo-refugio", send, {"grant_id": grant["id"]})
    assert code(pending) == (409, "consent_pending")
    await story.made(
        "ngo-refugio-supervisor", f"/consents/{grant['id']}/decision", {"approve": True}
    )
    await story.made("ngo-refugio", send, {"grant_id": grant["id"]})
    seen = (await story.get("ngo-salud", f"/referrals/{draft['id']}/disclosure")).json()
    assert "Luis Canaria" not in str(seen)


async def test_13_child_of_16_dissents_while_the_caregiver_consents(story: Story) -> None:
    service_id = await story.service()
    child = await story.child(16, caregiver="available")
    grant = await story.consent(
        child["id"],
        service_id,
        decided_by="caregiver",
        child_assent="dissents",
        items=["name", "situation"],
    )
    draft = await story.draft(child["id"], service_id, from_case=["name"])
    send = f"/referrals/{draft['id']}/send"
    response = await story.post("ngo-refugio", send, {"grant_id": grant["id"]})
    assert code(response) == (409, "consent_pending")
    decision = f"/consents/{grant['id']}/decision"
    await story.made("ngo-refugio-supervisor", decision, {"approve": False})
    response = await story.post("ngo-refugio", send, {"grant_id": grant["id"]})
    assert code(response) == (409, "no_consent")


async def test_14_turning_18_mid_referral_opens_a_reconsent_task(
    story: Story, case_keys: CaseKeys
) -> None:
    service_id = await story.service()
    today = clock.today()
    birth = today.replace(year=today.year - 18) + timedelta(days=30)
    child = await story.child(
        0,
        identity={"age": None, "birth_date": birth.isoformat()},
        caregiver="available",
    )
    grant = await story.consent(
        child["id"],
        service_id,
        decided_by="caregiver",
        child_assent="agrees",
        items=["name", "situation"],
    )
    draft = await story.draft(child["id"], service_id, from_case=["name"])
    assert await ask_reconsent(story.database, case_keys, today) == 0
    assert await ask_reconsent(story.database, case_keys, today + timedelta(days=31)) == 1
    tasks = (await story.get("ngo-refugio", "/tasks")).json()["items"]
    assert [(t["kind"], t["case_id"]) for t in tasks] == [("reconsent_at_18", child["id"])]
    with clock.shifted(timedelta(days=31)):
        response = await story.post(
            "ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
        )
        assert code(response) == (409, "wrong_decider")


async def transfer_offer(
    story: Story, case_id: str, to: object, who: str = "ngo-refugio"
) -> dict[str, object]:
    grant = await story.made(
        who,
        "/consents",
        {
            "case_id": case_id,
            "kind": "transfer",
            "recipient_organisation_id": str(to),
            "method": "signed",
        },
    )
    return {"case_id": case_id, "to_organisation": str(to), "grant_id": grant["id"]}


async def test_15_one_transfer_at_a_time_and_only_the_last_holder_has_access(
    story: Story,
) -> None:
    referral = await story.sent()
    case_id = referral["case_id"]
    to_salud = await transfer_offer(story, case_id, SALUD)
    to_legal = await transfer_offer(story, case_id, LEGAL)
    first = await story.made("ngo-refugio", "/transfers", to_salud)
    assert code(await story.post("ngo-refugio", "/transfers", to_legal)) == (409, "transfer_open")
    await story.made("ngo-salud", f"/transfers/{first['id']}/accept", {})
    again = await story.post("ngo-salud", f"/transfers/{first['id']}/accept")
    assert code(again) == (409, "illegal_transition")
    onward = await transfer_offer(story, case_id, LEGAL, "ngo-salud")
    second = await story.made("ngo-salud", "/transfers", onward)
    await story.made("ngo-legal", f"/transfers/{second['id']}/accept", {})
    for who in ("ngo-refugio", "ngo-salud"):
        assert (await story.get(who, f"/cases/{case_id}")).status_code == 404
        assert (await story.get(who, f"/consents/{referral['grant_id']}")).status_code == 404
    assert (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).status_code == 404
    found = await story.made("ngo-legal", "/cases/search", {"name": "perdomo yolimar"})
    assert case_id in [c["id"] for c in found["items"]]
    case = (await story.get("ngo-legal", f"/cases/{case_id}")).json()
    assert case["identity"]["name"] == "Yolimar Canaria Perdomo"
    assert (await story.get("ngo-legal", f"/referrals/{referral['id']}")).status_code == 200


async def test_who_is_offered_a_case_is_told_what_to_decide_by_while_it_may_go_there(
    story: Story,
) -> None:
    """The receiver sees what it needs to decide while the offer is possible. After the consent has ended it sees none
    of it, and nobody else ever does."""
    case_id = (await story.child(13, caregiver="available"))["id"]
    grant = story.consent_body(case_id, "", decided_by="caregiver", child_assent="agrees")
    grant = {k: v for k, v in grant.items() if k not in ("service_id", "purpose", "items")}
    until = (clock.now() + timedelta(days=2)).isoformat()
    consent = {"kind": "transfer", "recipient_organisation_id": str(SALUD), "valid_until": until}
    given = await story.made("ngo-refugio", "/consents", {**grant, **consent})
    said = {"need": "HLT", "urgency": "urgent", "why": "specialised_help"}
    body = {"case_id": case_id, "to_organisation": str(SALUD), "grant_id": given["id"], **said}
    path = f"/transfers/{(await story.made('ngo-refugio', '/transfers', body))['id']}"
    offer = (await story.get("ngo-salud", path)).json()["offer"]
    assert offer == {**said, "minor": True}
    assert (await story.get("ngo-legal", path)).status_code == 404
    assert "offer" not in (await story.get("ngo-salud", "/transfers")).json()["items"][0]
    with clock.shifted(timedelta(days=3)):
        assert (await story.get("ngo-salud", path)).json()["offer"] is None
    await story.made("ngo-salud", f"{path}/decline", {"reason": "capacity"})
    assert (await story.get("ngo-salud", path)).json()["offer"] is None


async def test_15_an_offer_ends_with_the_consent_that_it_is_under(story: Story) -> None:
    """If the consent ends on either path between offer and acceptance, the case does not move."""
    case = await story.case()
    for own_code in (False, True):
        grant = await story.made(
            "ngo-refugio",
            "/consents",
            {
                "case_id": case["id"],
                "kind": "transfer",
                "recipient_organisation_id": str(SALUD),
                "method": "signed",
            },
        )
        offer = {"case_id": case["id"], "to_organisation": str(SALUD), "grant_id": grant["id"]}
        transfer = await story.made("ngo-refugio", "/transfers", offer)
        if own_code:
            code_of = {"code": grant["withdrawal_code"]}
            assert (await story.post("anonymous", "/withdrawals", code_of)).status_code == 200
        else:
            await story.made("ngo-refugio", f"/consents/{grant['id']}/withdraw", {})
        refused = await story.post("ngo-salud", f"/transfers/{transfer['id']}/accept")
        assert code(refused) == (409, "illegal_transition")
        assert await story.told_to("ngo-salud", transfer["id"]) == [
            "transfer.offered",
            "transfer.recalled",
        ]
    assert (await story.get("ngo-salud", f"/cases/{case['id']}")).status_code == 404
    assert (await story.get("ngo-refugio", f"/cases/{case['id']}")).status_code == 200


@pytest.mark.parametrize("ending", ["implicated", "closed", "erased", "consent over"])
async def test_15_an_offer_ends_when_it_must_not_be_accepted(story: Story, ending: str) -> None:
    case = await story.case()
    path = f"/cases/{case['id']}"
    grant = await story.made(
        "ngo-refugio",
        "/consents",
        {
            "case_id": case["id"],
            "kind": "transfer",
            "recipient_organisation_id": str(SALUD),
            "method": "signed",
            "valid_until": (clock.now() + timedelta(days=1)).isoformat(),
        },
    )
    offer = {"case_id": case["id"], "to_organisation": str(SALUD), "grant_id": grant["id"]}
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    after = timedelta(days=2) if ending == "consent over" else timedelta(0)
    if ending == "implicated":
        marked = {"organisation_ids": [str(SALUD)]}
        await story.call("ngo-refugio", "PUT", f"{path}/implicated-organisations", marked)
    elif ending == "closed":
        await story.made("ngo-refugio", f"{path}/close", {"reason": "needs_met"})
    elif ending == "erased":
        confirmed = {"confirm": case["reference"], "basis": "person_request"}
        await story.made("ngo-refugio-supervisor", f"{path}/erase", confirmed)
    with clock.shifted(after):
        refused = await story.post("ngo-salud", f"/transfers/{transfer['id']}/accept")
    assert refused.status_code == 409, refused.text
    assert "implicated" not in refused.text
    assert (await story.get("ngo-salud", path)).status_code == 404


async def test_17_a_repeated_send_is_one_referral_and_one_notification(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    grant = await story.consent(case["id"], service_id)
    draft = await story.draft(case["id"], service_id)
    send, body = f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
    first = await story.post("ngo-refugio", send, body, key="offline-1")
    again = await story.post("ngo-refugio", send, body, key="offline-1")
    assert (first.status_code, again.json()) == (200, first.json())
    other_key = await story.post("ngo-refugio", send, body)
    assert code(other_key) == (409, "illegal_transition")
    assert await story.told_to("ngo-salud", draft["id"]) == ["referral.sent"]


async def test_18_a_notice_names_no_person_no_service_type_no_agency(story: Story) -> None:
    await story.sent()
    text = str((await story.get("ngo-salud", "/feed")).json()["items"])
    for secret in ("Yolimar", "Canaria", "HLT", "health", "ngo", "refugio", "VE23"):
        assert secret not in text


async def test_19_completed_with_nothing_provided_is_impossible(story: Story) -> None:
    referral = await story.accepted()
    path = f"/referrals/{referral['id']}"
    for outcome in ("nothing", "not_delivered", "", None):
        response = await story.post("ngo-salud", f"{path}/complete", {"outcome": outcome})
        assert response.status_code == 422
    await story.made("ngo-salud", f"{path}/report-not-delivered", {"reason": "no_show"})
    event = (
        await story.rows(
            "SELECT payload FROM outbox WHERE type LIKE '%not_delivered%' AND aggregateid = :id",
            id=referral["id"],
        )
    )[0]
    assert event.payload.get("outcome") is None


async def test_20_a_provider_suspended_mid_referral_flags_it_and_tells_the_referrer(
    story: Story,
) -> None:
    referral = await story.accepted()
    await story.suspended(referral["service_id"])
    path = f"/referrals/{referral['id']}"

    async def flagged() -> bool:
        seen = (await story.get("ngo-refugio", path)).json()
        return bool(seen["service_flag"] == "not_referable")

    await story.eventually(flagged)
    kinds = await story.told_to("ngo-refugio", referral["id"])
    assert kinds.count("referral.service_not_referable") == 1
    case = await story.case()
    body = story.consent_body(case["id"], referral["service_id"])
    assert code(await story.post("ngo-refugio", "/consents", body)) == (409, "not_referable")


async def test_20_an_older_directory_event_changes_nothing(story: Story) -> None:
    service_id = await story.service(version=5)
    await story.told(
        ServiceWithdrawn(
            service_id=service_id,
            organisation_id=SALUD,
            version=4,
            visibility="partners",
            referable=False,
        )
    )
    case = await story.case()
    await story.consent(case["id"], service_id)


async def test_21_an_off_platform_recipient_answers_once_by_link(story: Story) -> None:
    service_id = await story.service(organisation(77))
    referral = await story.sent(service_id=service_id)
    link = await story.made(
        "ngo-refugio", f"/referrals/{referral['id']}/answer-links", {"language": "es"}
    )
    path = link["url"].split("/referrals/v1", 1)[1]
    page = await story.get("anonymous", path)
    assert page.status_code == 200
    assert "Yolimar" not in page.text
    assert "<script" not in page.text.replace(EXIT_SCRIPT, "").replace("<script></script>", "")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "We accept this request" in (await story.get("anonymous", f"{path}?language=en")).text

    async def answer(to: str, **form: str) -> Response:
        return await story.form(to, form)

    assert (await answer(path, answer="decline")).status_code == 422
    done = await answer(path, answer="accept", focal_point="Trabajo social")
    assert done.status_code == 200
    now = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
    assert now["state"] == "accepted"
    assert (await answer(path, answer="accept", focal_point="x")).status_code == 410
    assert (await story.get("anonymous", path)).status_code == 410
    following = (
        done.text.split('class="long" href="http')[1].split('"')[0].split("/referrals/v1", 1)[1]
    )
    assert (await answer(following, answer="complete")).status_code == 200
    now = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
    assert (now["state"], now["outcome"]) == ("completed", "delivered")


async def test_21_a_link_expires(story: Story) -> None:
    referral = await story.sent()
    link = await story.made("ngo-refugio", f"/referrals/{referral['id']}/answer-links", {})
    path = link["url"].split("/referrals/v1", 1)[1]
    with clock.shifted(timedelta(days=8)):
        assert (await story.get("anonymous", path)).status_code == 410


async def test_22_a_cross_border_referral_needs_a_protocol_for_the_pair(story: Story) -> None:
    service_id = await story.service()
    case = await story.case(area=None, country="CO")
    grant = await story.consent(case["id"], service_id)
    draft = await story.draft(case["id"], service_id)
    send = f"/referrals/{draft['id']}/send"
    response = await story.post("ngo-refugio", send, {"grant_id": grant["id"]})
    assert code(response) == (409, "cross_border_not_covered")
    protocol = {"from_country": "CO", "to_country": "VE", "valid_from": "2020-01-01"}
    for_others = {**protocol, "to_organisation": str(LEGAL)}
    for body in (for_others, {**protocol, "valid_until": "2020-12-31"}):
        await story.made("im-officer", "/protocols", body)
        response = await story.post("ngo-refugio", send, {"grant_id": grant["id"]})
        assert code(response) == (409, "cross_border_not_covered")
    await story.made("im-officer", "/protocols", {**protocol, "to_organisation": str(SALUD)})
    await story.made("ngo-refugio", send, {"grant_id": grant["id"]})


async def test_26_nothing_goes_to_an_implicated_organisation(story: Story) -> None:
    referral = await story.sent()
    case_id = referral["case_id"]
    implicated = await story.call(
        "ngo-refugio",
        "PUT",
        f"/cases/{case_id}/implicated-organisations",
        {"organisation_ids": [str(SALUD)]},
    )
    assert implicated.status_code == 200
    path = f"/referrals/{referral['id']}"
    assert (await story.get("ngo-refugio", path)).json()["state"] == "recalled"
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 410
    service_id = await story.service()
    body = story.consent_body(case_id, service_id)
    assert code(await story.post("ngo-refugio", "/consents", body)) == (
        409,
        "organisation_implicated",
    )
    draft = {"case_id": case_id, "service_id": service_id, "category": "HLT"}
    assert code(await story.post("ngo-refugio", "/referrals", draft)) == (
        409,
        "organisation_implicated",
    )
    seen = (await story.get("ngo-salud", path)).text
    assert "implicated" not in seen


async def test_nobody_is_born_in_the_future(story: Story) -> None:
    """Ruta refuses a birth date in the future in a registration, a correction and a referral."""
    today = clock.today()
    case, service = await story.case(), await story.any_service()
    for days, status in ((2, 422), (0, 201)):
        born = {"name": "Ana Canaria", "birth_date": str(today + timedelta(days=days))}
        made = await story.post("ngo-refugio", "/cases", {"identity": born, "area": "VE2313"})
        changed = await story.call(
            "ngo-refugio", "PATCH", f"/cases/{case['id']}", {"identity": born}
        )
        body = {"case_id": case["id"], "service_id": service, "category": "HLT"}
        drafted = await story.post(
            "ngo-refugio", "/referrals", {**body, "payload": {"birth_date": born["birth_date"]}}
        )
        assert made.status_code == status, made.text
        assert changed.status_code == (422 if days else 200), changed.text
        assert drafted.status_code == status, drafted.text
        if days:
            told = [each.json()["errors"][0] for each in (made, changed, drafted)]
            assert [t["pointer"].rpartition("/")[2] for t in told] == ["birth_date"] * 3
            assert "look at day, month and year again" in told[0]["detail"]
