"""A case's owner is assigned, can take the case, and can hand it on inside the organisation."""

from datetime import timedelta
from typing import Any

import pytest
from common import clock
from common.auth import Role
from referrals.case.cases.person import may_assign

from tests.services.referrals.story import LEGAL, Story
from tests.support.principals import principal

NGO, CHIEF = "ngo-refugio", "ngo-refugio-supervisor"
ANA: dict[str, Any] = {"sub": "ana", "client_id": "ana", "roles": ["caseworker"]}
LUIS: dict[str, Any] = {"sub": "luis", "client_id": "luis", "roles": ["caseworker"]}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("owner", ["ana", "luis", None])
@pytest.mark.parametrize("to", ["ana", "luis", None])
def test_others_take_what_nobody_has_and_hand_on_what_is_theirs(
    role: Role, owner: str | None, to: str | None
) -> None:
    ana = principal(NGO, sub="ana", roles=[role.value])
    gives_any = role in (Role.SUPERVISOR, Role.PARTNER)
    taken = owner is None and to == "ana"
    assert may_assign(ana, owner, to) == (gives_any or owner == "ana" or taken)


async def assign(story: Story, case: str, to: str | None, who: str = NGO, **claims: Any) -> int:
    answer = await story.post(who, f"/cases/{case}/assign", {"assigned_to": to}, **claims)
    return answer.status_code


async def mine(story: Story, **claims: Any) -> list[str]:
    page = (await story.get(NGO, "/cases?mine=true", **claims)).json()
    return [case["id"] for case in page["items"]]


async def test_a_case_is_of_who_registers_it_and_goes_from_hand_to_hand(story: Story) -> None:
    case = (await story.made(NGO, "/cases", {"area": "VE2313"}, **ANA))["id"]
    assert (await mine(story, **ANA), await mine(story, **LUIS)) == ([case], [])
    assert await assign(story, case, "luis", **LUIS) == 403, "it is Ana's"
    assert await assign(story, case, "luis", **ANA) == 200
    assert (await mine(story, **ANA), await mine(story, **LUIS)) == ([], [case])
    assert await assign(story, case, None, who=CHIEF) == 200
    assert await assign(story, case, "ana", **ANA) == 200, "nobody had it"
    read = (await story.get(NGO, f"/cases/{case}", **LUIS)).json()
    assert read["assigned_to"] == "ana", "the organisation goes on reading it"
    done = [
        each["action"] for each in (await story.get(NGO, f"/cases/{case}/timeline")).json()["items"]
    ]
    assert done.count("case.assigned") == 3


@pytest.mark.parametrize("name", ["", "Ana María", "x" * 101, "a\nb"])
async def test_what_is_no_account_is_refused(story: Story, name: str) -> None:
    case = (await story.case())["id"]
    assert await assign(story, case, name, who=CHIEF) == 422


async def test_a_case_of_others_is_not_found_and_a_closed_one_stays_as_it_is(story: Story) -> None:
    case = (await story.case())["id"]
    assert await assign(story, case, "x", who="ngo-salud-supervisor") == 404
    await story.made(NGO, f"/cases/{case}/close", {"reason": "needs_met"})
    assert await assign(story, case, "x", who=CHIEF) == 409


async def test_the_new_holder_sees_no_account_of_the_former(story: Story) -> None:
    case = (await story.made(NGO, "/cases", {"area": "VE2313"}, **ANA))["id"]
    consent = {"case_id": case, "kind": "transfer", "method": "signed"}
    grant = await story.made(NGO, "/consents", {**consent, "recipient_organisation_id": str(LEGAL)})
    offer = {"case_id": case, "to_organisation": str(LEGAL), "grant_id": grant["id"]}
    transfer = await story.made(NGO, "/transfers", offer)
    eva: dict[str, Any] = {"sub": "eva", "client_id": "eva"}
    await story.made("ngo-legal", f"/transfers/{transfer['id']}/accept", {}, **eva)
    read = (await story.get("ngo-legal", f"/cases/{case}")).json()
    assert read["assigned_to"] == "eva"


async def test_cases_are_narrowed_and_say_how_much_is_open(story: Story) -> None:
    service_id = await story.service()
    near = (await story.case(area="VE2313"))["id"]
    child = (await story.child(9, area="VE1001"))["id"]
    await story.sent(case_id=near, service_id=service_id)
    await story.draft(near, service_id)
    ended = await story.sent(case_id=near, service_id=service_id, urgency="routine")
    await story.made(NGO, f"/referrals/{ended['id']}/recall", {"reason": "mistake"})

    async def ids(query: str) -> dict[str, int]:
        page = (await story.get(NGO, f"/cases?{query}")).json()
        return {case["id"]: case["open_referrals"] for case in page["items"]}

    assert await ids("area=VE23") == await ids("minor=false") == {near: 2}
    assert await ids("area=VE1001") == await ids("minor=true") == {child: 0}
    now = clock.now()
    with clock.shifted(timedelta(minutes=1)):
        change = {"area": "VE1002"}
        changed = await story.call(NGO, "PATCH", f"/cases/{child}", change)
    assert changed.status_code == 200
    since = (now + timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
    assert await ids(f"changed_since={since}") == {child: 0}


async def test_what_somebody_changed_meanwhile_is_not_overwritten_unseen(story: Story) -> None:
    case = (await story.made(NGO, "/cases", {"identity": {"name": "Ana"}, "area": "VE23"}))["id"]
    version = (await story.get(NGO, f"/cases/{case}")).json()["version"]

    async def change(area: str, **more: int) -> int:
        answer = await story.call(NGO, "PATCH", f"/cases/{case}", {"area": area, **more})
        return answer.status_code

    assert await change("VE1001", expected_version=version) == 200
    assert await change("VE1002", expected_version=version) == 409
    assert (await story.get(NGO, f"/cases/{case}")).json()["area"] == "VE1001"
    assert await change("VE1002") == 200  # A command without a version is allowed.


async def test_the_open_cases_of_each_person_are_counted(story: Story) -> None:
    closed, *_ = [(await story.made(NGO, "/cases", {"area": "VE2313"}, **ANA))["id"] for _ in "abc"]
    free = (await story.made(NGO, "/cases", {"area": "VE2313"}, **LUIS))["id"]
    assert await assign(story, free, None, who=CHIEF) == 200
    await story.made(NGO, f"/cases/{closed}/close", {"reason": "needs_met"}, **ANA)
    load = {one["person"]: one["open"] for one in (await story.get(CHIEF, "/cases/load")).json()}
    assert (load["ana"], load[None], "luis" in load) == (2, 1, False)
    assert (await story.get("ngo-salud", "/cases/load")).json() == []
