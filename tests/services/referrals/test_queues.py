"""Queues for people's work: the first due entry comes first, and a filter returns only matching entries."""

from datetime import timedelta
from typing import Any

import pytest
from common import clock

from tests.services.referrals.story import SALUD, Story
from tests.services.referrals.test_scenarios import exception_body
from tests.support.principals import organisation

REFERRER, RECIPIENT, SUPERVISOR = "ngo-refugio", "ngo-salud", "ngo-refugio-supervisor"


async def ids(story: Story, who: str, path: str) -> list[str]:
    """Return the ids on all pages of a list, in order."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = await story.get(who, f"{path}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize(
    ("who", "path"), [(REFERRER, "/referrals"), (RECIPIENT, "/referrals/inbox")]
)
async def test_by_deadline_what_is_due_first_comes_first_over_all_pages(
    story: Story, who: str, path: str
) -> None:
    service_id = await story.service()
    made = [
        await story.sent(service_id=service_id, urgency=urgency)
        for urgency in ("routine", "emergency", "urgent", "routine", "emergency")
    ]
    soon = clock.now() + timedelta(minutes=5)
    made.append(
        await story.sent(service_id=service_id, urgency="routine", clinical_deadline=str(soon))
    )
    waiting = await story.sent(service_id=service_id, urgency="urgent")
    await story.made(RECIPIENT, f"/referrals/{waiting['id']}/acknowledge", {})
    done = await story.sent(service_id=service_id, urgency="emergency")
    await story.made(REFERRER, f"/referrals/{done['id']}/recall", {"reason": "mistake"})
    held = await story.accepted(service_id=service_id)
    await story.made(
        RECIPIENT,
        f"/referrals/{held['id']}/hold",
        {"reason": "other", "review_on": str(clock.today() + timedelta(days=2))},
    )
    listed = (await story.get(who, f"{path}?order=deadline&limit=100")).json()["items"]
    dues = [item["due"] for item in listed]
    dated = [due for due in dues if due is not None]
    assert dues == [*sorted(dated), *[None] * (len(dues) - len(dated))]
    assert dated == sorted(dated)
    assert listed[0]["id"] == made[-1]["id"], "the clinical window"
    assert [item["id"] for item in listed if item["due"] is None] == [done["id"]]
    for limit in (1, 2, 4):
        paged = await ids(story, who, f"{path}?order=deadline&limit={limit}")
        assert paged == [item["id"] for item in listed]
    assert await ids(story, who, f"{path}?limit=2") == sorted(paged, reverse=True)


async def test_lists_are_narrowed_by_urgency_category_and_what_is_left_to_do(story: Story) -> None:
    service_id = await story.service(categories=("HLT", "CP-CM"))
    urgent = await story.sent(service_id=service_id)
    other = await story.sent(
        service_id=service_id, urgency="routine", category="CP-CM", consent={"purpose": "CP-CM"}
    )
    before = clock.now()
    finished = await story.accepted(service_id=service_id)
    await story.made(RECIPIENT, f"/referrals/{finished['id']}/complete", {"outcome": "delivered"})
    declined = await story.sent(service_id=service_id)
    await story.made(RECIPIENT, f"/referrals/{declined['id']}/decline", {"reason": "capacity"})

    async def sent(query: str) -> set[str]:
        return set(await ids(story, REFERRER, f"/referrals?{query}"))

    async def received(query: str) -> set[str]:
        return set(await ids(story, RECIPIENT, f"/referrals/inbox?{query}"))

    for listed in (sent, received):
        assert await listed("urgency=routine") == {other["id"]}
        assert await listed("category=CP-CM&category=SHL") == {other["id"]}
        assert await listed("urgency=urgent&category=CP-CM") == set()
        after = before.isoformat().replace("+", "%2B")
        assert await listed(f"closed_since={after}") == {finished["id"], declined["id"]}
        later = (clock.now() + timedelta(hours=1)).isoformat().replace("+", "%2B")
        assert await listed(f"closed_since={later}") == set()
    assert await sent("unconfirmed=true") == {finished["id"]}
    await story.made(
        REFERRER, f"/referrals/{finished['id']}/confirm", {"confirmed_by": "person", "agrees": True}
    )
    assert await sent("unconfirmed=true") == set()
    assert await sent("state=declined&unreplaced=true") == {declined["id"]}
    again = await story.draft(declined["case_id"], service_id, replaces=declined["id"])
    assert await sent("state=declined&unreplaced=true") == set()
    assert await sent("state=draft&unreplaced=true") == {again["id"]}
    assert urgent["id"] in await sent("urgency=urgent")


async def test_a_supervisor_lists_what_waits_for_them(story: Story) -> None:
    """A supervisor's list excludes the supervisor's own requests and those of other organisations. It is empty for
    people who decide nothing."""
    service_id, child = await story.service(), await story.child(16)
    held = await story.consent(
        child["id"], service_id, decided_by="caregiver", child_assent="dissents"
    )
    assert held["status"] == "pending"
    plain = await story.consent((await story.case())["id"], service_id)
    exception = await story.made(REFERRER, "/exceptions", exception_body(child["id"], service_id))
    both: dict[str, Any] = {"roles": ["supervisor", "caseworker"]}
    own = await story.made(
        SUPERVISOR, "/exceptions", exception_body(child["id"], service_id), **both
    )
    for path, mine, all_of_them in (
        ("/consents", [held["id"]], {held["id"], plain["id"]}),
        ("/exceptions", [exception["id"]], {exception["id"], own["id"]}),
    ):
        assert await ids(story, SUPERVISOR, f"{path}?mine_to_decide=true") == mine
        assert await ids(story, REFERRER, f"{path}?mine_to_decide=true") == []
        assert await ids(story, "ngo-salud-supervisor", f"{path}?mine_to_decide=true") == []
        assert set(await ids(story, REFERRER, f"{path}?limit=100")) == all_of_them
    assert await ids(story, SUPERVISOR, "/consents?status=active") == [plain["id"]]
    assert await ids(story, SUPERVISOR, "/consents?status=pending") == [held["id"]]
    answer = await story.get(SUPERVISOR, "/consents?status=requested")
    assert answer.status_code == 422
    await story.made(SUPERVISOR, f"/exceptions/{exception['id']}/decision", {"approve": True})
    assert await ids(story, SUPERVISOR, "/exceptions?mine_to_decide=true") == []
    assert await ids(story, SUPERVISOR, "/exceptions?status=approved") == [exception["id"]]


async def test_a_coordinator_is_not_shown_the_house_behind_another_organisation_s_exception(
    story: Story,
) -> None:
    leads = {"roles": ["caseworker", "coordinator"], "aors": ["GBV"]}
    house = await story.service(
        organisation(77), ("GBV-SHELTER",), visibility="restricted", aors=("GBV",)
    )
    case = await story.case(area="VE2001")
    body = {**exception_body(case["id"], house), "purpose": "GBV-SHELTER"}
    made = await story.made(REFERRER, "/exceptions", body, **leads)
    assert made["service_id"] == house

    async def seen(who: str, **claims: Any) -> dict[str, Any]:
        listed = (await story.get(who, "/exceptions", **claims)).json()["items"]
        (found,) = (each for each in listed if each["id"] == made["id"])
        return dict(found)

    assert (await seen("gbv-coordinator"))["service_id"] == house
    away = await seen("gbv-coordinator", areas=["VE20"])
    assert (away["service_id"], away["recipient_organisation_id"]) == (None, None)
    assert (await seen(REFERRER))["service_id"] == house, "its own exception"


async def test_a_coordinator_looks_at_exceptions_in_their_states_and_at_none_of_a_case_against_their_own(
    story: Story,
) -> None:
    case, service = await story.case(), await story.service(SALUD, ("GBV-SHELTER",))
    body = {**exception_body(case["id"], service), "purpose": "GBV-SHELTER"}
    made = (await story.made(REFERRER, "/exceptions", body))["id"]
    for areas, shown in (([], True), (["VE23"], True), (["VE20"], False), (["XX99"], False)):
        answer = await story.get("gbv-coordinator", "/exceptions", areas=areas)
        assert (made in answer.text) is shown, areas
    marked = {"organisation_ids": [str(organisation(5))]}  # The coordinator's exception.
    path = f"/cases/{case['id']}/implicated-organisations"
    assert (await story.call(REFERRER, "PUT", path, marked)).status_code == 200
    assert case["id"] not in (await story.get("gbv-coordinator", "/exceptions")).text
    assert made in (await story.get(REFERRER, "/exceptions")).text


async def test_what_stands_still_for_an_accused_organisation_is_found_by_no_later_change(
    story: Story,
) -> None:
    """No search shows an accused organisation a later change. Otherwise it would learn that the work continued after
    what looked like an ordinary recall."""
    referral = await story.accepted()
    await story.made(RECIPIENT, f"/referrals/{referral['id']}/complete", {"outcome": "delivered"})
    implicated = await story.call(
        REFERRER,
        "PUT",
        f"/cases/{referral['case_id']}/implicated-organisations",
        {"organisation_ids": [str(SALUD)]},
    )
    assert implicated.status_code == 200, implicated.text
    marked = clock.now().isoformat().replace("+", "%2B")
    await story.made(
        REFERRER, f"/referrals/{referral['id']}/confirm", {"confirmed_by": "person", "agrees": True}
    )
    assert await ids(story, REFERRER, f"/referrals?closed_since={marked}") == [referral["id"]]
    assert await ids(story, RECIPIENT, f"/referrals/inbox?closed_since={marked}") == []
