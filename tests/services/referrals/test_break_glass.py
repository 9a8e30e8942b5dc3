"""Break-glass needs two independent people and notifies the holder. An implicated organisation never gets it."""

from datetime import timedelta
from typing import Any

import pytest
from common import clock
from common.auth import Role
from referrals.listening.breakglass.independence import Sought, case_aors, may_be_opened, may_decide

from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_scenarios import transfer_offer
from tests.support.principals import organisation, principal

REASON = "child missing, the prosecutor asks tonight"
HOLDER, ASKER = "ngo-refugio-supervisor", "ngo-salud-supervisor"


async def asked(
    story: Story, case: dict[str, Any], who: str = ASKER, **claims: Any
) -> dict[str, Any]:
    body = {"case_reference": case["reference"], "reason": REASON}
    return await story.made(who, "/break-glass", body, **claims)


async def listed(
    story: Story, case: dict[str, Any], who: str, view: str, **claims: Any
) -> list[str]:
    """Return the accesses to this case in one of a caller's lists."""
    page = (await story.get(who, f"/break-glass?view={view}&limit=200", **claims)).json()
    return [each["id"] for each in page["items"] if each["case_id"] == case["id"]]


async def opened(story: Story, case: dict[str, Any], who: str = ASKER) -> str:
    access = await asked(story, case, who)
    path = f"/break-glass/{access['id']}"
    await story.made(HOLDER, f"{path}/decision", {"approve": True})
    return path


async def implicate(story: Story, case: dict[str, Any], *who: Any) -> None:
    response = await story.call(
        "ngo-refugio",
        "PUT",
        f"/cases/{case['id']}/implicated-organisations",
        {"organisation_ids": [str(each) for each in who]},
    )
    assert response.status_code == 200, response.text


async def test_a_second_person_opens_it_for_an_hour_and_the_holder_is_told(story: Story) -> None:
    case = await story.case()
    body = {"case_reference": case["reference"], "reason": REASON}
    assert (await story.post("ngo-salud", "/break-glass", body)).status_code == 403
    access = await asked(story, case, "cp-coordinator")
    path = f"/break-glass/{access['id']}"
    assert (await story.get("cp-coordinator", f"{path}/case")).status_code == 403
    own = await story.post("cp-coordinator", f"{path}/decision", {"approve": True})
    assert (own.status_code, own.json()["code"]) == (403, "second_person_needed")
    await story.made(HOLDER, f"{path}/decision", {"approve": True})
    seen = (await story.get("cp-coordinator", f"{path}/case")).json()
    assert seen["identity"]["name"] == "Yolimar Canaria Perdomo"
    assert (await story.get(HOLDER, f"{path}/case")).status_code == 403
    with clock.shifted(timedelta(hours=2)):
        assert (await story.get("cp-coordinator", f"{path}/case")).status_code == 403
    told = await story.rows(
        "SELECT kind FROM notices WHERE organisation_id = :o AND kind LIKE 'break%' ORDER BY id",
        o=REFUGIO,
    )
    assert [t.kind for t in told] == ["break_glass.asked", "break_glass.open", "break_glass.read"]


async def test_colleagues_of_whoever_asks_do_not_decide(story: Story) -> None:
    access = await asked(story, await story.case())
    path = f"/break-glass/{access['id']}/decision"
    colleague = {"sub": "another-supervisor-of-salud"}
    refused = await story.post(ASKER, path, {"approve": True}, **colleague)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_a_coordinator_of_the_organisation_that_asks_does_not_decide(story: Story) -> None:
    case = await story.case(identity={"name": "Niña Ficticia", "age": 9})
    path = f"/break-glass/{(await asked(story, case, 'cp-coordinator'))['id']}/decision"
    colleague = {"sub": "another", "client_id": "another"}
    refused = await story.post("cp-coordinator", path, {"approve": True}, **colleague)
    assert refused.status_code == 404, refused.text


async def test_only_coordinators_of_the_case_decide(story: Story) -> None:
    case = await story.case(identity={"name": "Niña Ficticia", "age": 9})
    path = f"/break-glass/{(await asked(story, case))['id']}"
    other = await story.post("tip-coordinator", f"{path}/decision", {"approve": True})
    assert other.status_code == 404
    assert (await story.get("tip-coordinator", path)).status_code == 404
    seen = (await story.get("cp-coordinator", path)).json()
    assert (seen["reason"], seen["holder_organisation_id"]) == (REASON, str(REFUGIO))
    elsewhere = await story.get("cp-coordinator", path, areas=["VE20"])
    assert elsewhere.status_code == 404
    decided = await story.made("cp-coordinator", f"{path}/decision", {"approve": True})
    assert decided["status"] == "open"


async def test_an_implicated_organisation_is_answered_as_any_other_and_opens_nothing(
    story: Story,
) -> None:
    ordinary, speaking = await story.case(), await story.case()
    await implicate(story, speaking, SALUD)
    answers = [await asked(story, case) for case in (ordinary, speaking)]
    codes = [{k: v for k, v in a.items() if k not in ("id", "case_id", "requested_at")}
             for a in answers]  # fmt: skip
    assert codes[0] == codes[1]
    assert codes[0]["holder_organisation_id"] is None
    path = f"/break-glass/{answers[1]['id']}"
    tried = await story.post(HOLDER, f"{path}/decision", {"approve": True})
    assert (tried.status_code, tried.json()["code"]) == (409, "organisation_implicated")
    assert (await story.get(ASKER, f"{path}/case")).status_code == 403
    await story.made(HOLDER, f"{path}/decision", {"approve": False})
    assert (await story.get(ASKER, path)).json()["status"] == "refused"


async def test_people_of_an_implicated_organisation_decide_nothing(story: Story) -> None:
    case = await story.case(identity={"name": "Niña Ficticia", "age": 9})
    await implicate(story, case, organisation(6))  # The coordinator's organisation.
    path = f"/break-glass/{(await asked(story, case))['id']}"
    refused = await story.post("cp-coordinator", f"{path}/decision", {"approve": True})
    assert refused.status_code == 404
    assert await listed(story, case, "cp-coordinator", "to-decide") == []


async def test_an_open_access_ends_when_its_organisation_is_implicated(story: Story) -> None:
    case = await story.case()
    path = await opened(story, case)
    assert (await story.get(ASKER, f"{path}/case")).status_code == 200
    await implicate(story, case, SALUD)
    assert (await story.get(ASKER, f"{path}/case")).status_code == 403
    assert (await story.get(ASKER, path)).json()["holder_organisation_id"] is None


async def test_the_implicated_are_named_beside_the_record_and_cannot_be_called(
    story: Story,
) -> None:
    """Break-glass opens a record but must not create a danger, so it names the implicated without a way to call
    them."""
    father = {"name": "Luis Canaria", "contact": {"phone": "+58 412 5550777"}}
    case = await story.child(9, caregiver="implicated", identity={"caregiver": father})
    await implicate(story, case, LEGAL)
    seen = await story.get(ASKER, f"{await opened(story, case)}/case")
    assert "5550777" not in seen.text
    assert seen.json()["identity"]["caregiver"]["name"] == "Luis Canaria"
    assert seen.json()["caregiver"] == "implicated"
    assert seen.json()["implicated_organisations"] == [str(LEGAL)]


async def test_a_transfer_ends_what_is_open_and_gives_the_new_holder_the_decision(
    story: Story,
) -> None:
    case = await story.case()
    path = await opened(story, case)
    waiting = await asked(story, case, "cp-coordinator")
    offer = await transfer_offer(story, case["id"], LEGAL)
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    await story.made("ngo-legal", f"/transfers/{transfer['id']}/accept", {})
    assert (await story.get(ASKER, f"{path}/case")).status_code == 403
    assert (await story.get(ASKER, path)).json()["status"] == "ended"
    decision = f"/break-glass/{waiting['id']}/decision"
    former = await story.post(HOLDER, decision, {"approve": True})
    assert former.status_code == 404
    assert await listed(story, case, HOLDER, "of-my-cases") == []
    supervisor = {"roles": ["supervisor"], "sub": "legal-supervisor"}
    theirs = await listed(story, case, "ngo-legal", "to-decide", **supervisor)
    assert theirs == [waiting["id"]]
    await story.made("ngo-legal", decision, {"approve": True}, **supervisor)
    await story.get("cp-coordinator", f"/break-glass/{waiting['id']}/case")
    assert await story.told_to("ngo-legal", case["id"]) == [
        "break_glass.asked",
        "break_glass.open",
        "break_glass.read",
    ]


async def test_the_lists_hold_what_is_mine_to_decide_and_of_my_cases(story: Story) -> None:
    case = await story.case()
    access = await asked(story, case)
    for who, view, expected in (
        (ASKER, "mine", [access["id"]]),
        (ASKER, "to-decide", []),
        (ASKER, "of-my-cases", []),
        (HOLDER, "mine", []),
        (HOLDER, "to-decide", [access["id"]]),
        (HOLDER, "of-my-cases", [access["id"]]),
        ("gbv-coordinator", "mine", []),
    ):
        page = (await story.get(who, f"/break-glass?view={view}")).json()
        assert [each["id"] for each in page["items"]] == expected, (who, view)
    assert (await story.get(HOLDER, "/break-glass?view=all")).status_code == 422


async def test_the_holder_does_not_ask_for_its_own_case_and_an_erased_one_is_gone(
    story: Story,
) -> None:
    case = await story.case()
    body = {"case_reference": case["reference"], "reason": REASON}
    assert (await story.post(HOLDER, "/break-glass", body)).status_code == 409
    path = await opened(story, case)
    erasure = {"confirm": case["reference"], "basis": "person_request"}
    await story.made(HOLDER, f"/cases/{case['id']}/erase", erasure)
    assert (
        await story.get(ASKER, f"{path}/case")
    ).status_code == 403  # The access ended with the case.
    assert (await story.post(ASKER, "/break-glass", body)).status_code == 404


@pytest.mark.parametrize(
    ("who", "changes", "sought", "may"),
    [
        (HOLDER, {}, {}, True),
        ("ngo-refugio", {}, {}, False),  # Not responsible.
        (ASKER, {}, {}, False),
        (HOLDER, {}, {"implicated": {REFUGIO}}, False),
        ("gbv-coordinator", {}, {"aors": {"GBV"}}, True),
        ("gbv-coordinator", {}, {"aors": {"CP"}}, False),
        ("gbv-coordinator", {}, {"aors": set()}, True),
        ("gbv-coordinator", {}, {"aors": {"GBV"}, "asking": organisation(5)}, False),
        ("gbv-coordinator", {"areas": ["VE20"]}, {"aors": {"GBV"}, "area": "VE2313"}, False),
        ("gbv-coordinator", {"areas": ["VE23"]}, {"aors": {"GBV"}, "area": "VE2313"}, True),
    ],
)
def test_who_is_independent(
    who: str, changes: dict[str, Any], sought: dict[str, Any], may: bool
) -> None:
    case: dict[str, Any] = {
        "asking": SALUD, "holder": REFUGIO, "implicated": set(), "aors": set(), "area": None
    }  # fmt: skip
    assert may_decide(principal(who, **changes), Sought(**{**case, **sought})) is may
    assert Role.COORDINATOR not in principal(HOLDER).roles


def test_nothing_is_opened_to_the_implicated_or_to_the_holder() -> None:
    def case(**changes: Any) -> Sought:
        facts: dict[str, Any] = {
            "asking": SALUD, "holder": REFUGIO, "implicated": set(), "aors": set(), "area": None
        }  # fmt: skip
        return Sought(**{**facts, **changes})

    assert may_be_opened(case())
    assert not may_be_opened(case(implicated={SALUD}))
    assert not may_be_opened(case(asking=REFUGIO))
    assert case_aors({"GBV"}, screened=True, minor=True) == {"GBV", "TIP", "CP"}
