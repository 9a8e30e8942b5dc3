"""Ruta does not send a referral that cannot work: nobody could reach the person, or the person already waits there."""

from typing import Any

from referrals.ground.vocabulary.disclosure import can_reach

from tests.services.referrals.story import Story


def test_only_who_is_to_be_contacted_needs_a_way() -> None:
    for item in ("contact", "address", "caregiver_contact"):
        assert can_reach("contact_directly", {"age", item})
    assert not can_reach("contact_directly", {"age", "name", "situation"})
    for rule in ("through_referrer", "person_comes", "do_not_contact"):
        assert can_reach(rule, {"age"}), "the code of the referral is enough"


async def test_a_referral_by_which_nobody_could_reach_the_person_is_refused(story: Story) -> None:
    service, case = await story.service(), (await story.case())["id"]
    grant = await story.consent(case, service)
    shared: dict[str, Any] = {
        "from_case": ["age"],
        "safe_contact": {"rule": "contact_directly"},
    }
    draft = await story.draft(case, service, **shared)
    send = f"/referrals/{draft['id']}/send"
    refused = await story.post("ngo-refugio", send, {"grant_id": grant["id"]})
    said = refused.json()
    assert (refused.status_code, said.get("code")) == (422, "no_way_to_reach")
    assert said["pointer"] == "/safe_contact/rule"
    assert (await story.get("ngo-refugio", f"/referrals/{draft['id']}")).json()["state"] == "draft"


async def test_a_second_open_referral_to_a_service_is_sent_on_demand_alone(story: Story) -> None:
    first = await story.sent()
    case, service = first["case_id"], first["service_id"]
    grant = await story.consent(case, service)
    draft = await story.draft(case, service)
    send = f"/referrals/{draft['id']}/send"
    refused = await story.post("ngo-refugio", send, {"grant_id": grant["id"]})
    said = refused.json()
    assert (refused.status_code, said.get("code")) == (409, "already_open")
    assert said["referral_ids"] == [first["id"]]
    demanded = {"grant_id": grant["id"], "in_addition": True}
    assert (await story.made("ngo-refugio", send, demanded))["state"] == "sent"
    await story.made("ngo-refugio", f"/referrals/{first['id']}/recall", {"reason": "other"})
    await story.made("ngo-refugio", f"/referrals/{draft['id']}/recall", {"reason": "other"})
    third = await story.draft(case, service)
    grant = await story.consent(case, service)
    path = f"/referrals/{third['id']}/send"
    assert (await story.made("ngo-refugio", path, {"grant_id": grant["id"]}))["state"] == "sent"
