"""A referral with its history, disclosed content and read times in one call; a case's profile."""

from typing import Any

import pytest
from directory.pathways.definition.profile import Profile

from tests.services.referrals.story import SALUD, Story

NGO, RECIPIENT = "ngo-refugio", "ngo-salud"
ALL = "with=history&with=disclosure&with=readings"


async def whole(story: Story, who: str, referral: str, asked: str = ALL) -> dict[str, Any]:
    answer = await story.get(who, f"/referrals/{referral}?{asked}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_one_call_says_what_three_say(story: Story) -> None:
    referral = (await story.accepted())["id"]
    for who in (NGO, RECIPIENT):
        one = (await story.get(who, f"/referrals/{referral}")).json()
        assert [one[name] for name in ("history", "disclosure", "readings")] == [None] * 3
        found = await whole(story, who, referral, "with=history&with=disclosure")
        assert found["history"] == (await story.get(who, f"/referrals/{referral}/history")).json()
        disclosed = await story.get(who, f"/referrals/{referral}/disclosure")
        assert found["disclosure"] == disclosed.json()
        kept = {**found, "history": None, "disclosure": None}
        assert kept == one


async def test_other_services_come_with_a_referral_that_came_to_nothing(story: Story) -> None:
    referral = (await story.sent())["id"]
    asked = "with=alternatives"
    assert (await whole(story, NGO, referral, asked))["alternatives"] is None
    await story.made(RECIPIENT, f"/referrals/{referral}/decline", {"reason": "capacity"})
    found = (await whole(story, NGO, referral, asked))["alternatives"]
    assert found == (await story.get(NGO, f"/referrals/{referral}/alternatives")).json()
    assert found is not None
    assert (await whole(story, RECIPIENT, referral, asked))["alternatives"] is None


async def test_who_refers_sees_when_it_was_read_and_nobody_else_does(story: Story) -> None:
    referral = (await story.sent())["id"]
    assert (await whole(story, NGO, referral, "with=readings"))["readings"] == []
    await whole(story, NGO, referral)  # The sender's read does not count as a recipient's.
    await whole(story, RECIPIENT, referral)
    found = await whole(story, NGO, referral)
    (reading,) = found["readings"]
    assert reading["organisation_id"] == str(SALUD)
    assert reading["items"] == sorted(found["disclosure"]["items"])
    assert (await whole(story, RECIPIENT, referral))["readings"] is None


@pytest.mark.parametrize("ended", ["withdrawn", "implicated"])
async def test_when_sharing_has_ended_the_one_call_says_so_and_holds_nothing(
    story: Story, ended: str
) -> None:
    referral = await story.accepted()
    if ended == "withdrawn":
        await story.made(NGO, f"/referrals/{referral['id']}/withdraw", {})
    else:
        path = f"/cases/{referral['case_id']}/implicated-organisations"
        await story.call(NGO, "PUT", path, {"organisation_ids": [str(SALUD)]})
    refused = await story.get(RECIPIENT, f"/referrals/{referral['id']}/disclosure")
    answer = await story.get(RECIPIENT, f"/referrals/{referral['id']}?{ALL}")
    found = answer.json()
    assert found["disclosure"] is None
    assert found["disclosure_refused"] == refused.json()["code"]
    assert (
        found["history"]
        == (await story.get(RECIPIENT, f"/referrals/{referral['id']}/history")).json()
    )
    for word in ("Canaria", "5550199", "needs a consultation"):
        assert word not in answer.text


async def test_a_step_names_who_took_it_to_their_own_organisation_alone(story: Story) -> None:
    referral = (await story.accepted())["id"]
    named = {
        who: [step["by"] for step in (await whole(story, who, referral))["history"]]
        for who in (NGO, RECIPIENT)
    }
    assert named[NGO] == [NGO, NGO, None]
    assert named[RECIPIENT][-1] == RECIPIENT
    assert NGO not in named[RECIPIENT]


@pytest.mark.parametrize("asked", ["with=all", "with=history,disclosure", "without=history"])
async def test_what_nobody_knows_is_refused(story: Story, asked: str) -> None:
    referral = (await story.sent())["id"]
    assert (await story.get(NGO, f"/referrals/{referral}?{asked}")).status_code == 422


async def test_the_profile_of_a_case_is_a_question_that_the_directory_takes(story: Story) -> None:
    case = await story.case(
        attributes={
            "sex": "female",
            "nationality": "VE",
            "populations": ["MIG", "IND"],
            "specific_needs": ["IND"],
            "languages": ["guc", "spa"],
        }
    )
    await story.made(NGO, f"/cases/{case['id']}/plan", {"need": "HLT"})
    answer = await story.get(NGO, f"/cases/{case['id']}/profile")
    assert answer.json() == {
        "area": "VE2313",
        "age": 29,
        "sex": "female",
        "populations": ["MIG", "IND"],
        "languages": ["guc", "spa"],
        "nationality": "VEN",
        "needs": ["HLT"],
    }
    Profile.model_validate_json(answer.text)
    for word in ("Canaria", "5550199", case["reference"]):
        assert word not in answer.text
    read = (await story.get(NGO, f"/audit?target_id={case['id']}")).json()["items"]
    assert "case.read" in [entry["action"] for entry in read]


async def test_what_the_record_does_not_say_is_not_in_the_profile(story: Story) -> None:
    case = await story.made(NGO, "/cases", {"country": "VE"})
    assert (await story.get(NGO, f"/cases/{case['id']}/profile")).json() == {}
    assert (await story.get(RECIPIENT, f"/cases/{case['id']}/profile")).status_code == 404
