"""An accepted referral has a deadline too, until the appointment or the start of the service."""

from datetime import datetime, timedelta
from typing import Any

from common import clock
from referrals.referral.referrals.appointments import remind

from tests.services.referrals.story import Story

NGO, RECIPIENT = "ngo-refugio", "ngo-salud"


async def step(story: Story, referral: str, name: str, **body: Any) -> dict[str, Any]:
    return await story.made(RECIPIENT, f"/referrals/{referral}/{name}", body)


def within(seen: dict[str, Any], days: float) -> bool:
    limit = clock.now() + timedelta(days=days)
    return bool(abs((clock_of(seen["due"]) - limit).total_seconds()) < 600)


def clock_of(text: str) -> Any:
    return datetime.fromisoformat(text)


async def test_an_accepted_referral_is_due_until_it_begins_and_then_looked_at(
    story: Story,
) -> None:
    seen = await story.accepted(urgency="urgent")
    assert within(seen, 3)
    at = (clock.now() + timedelta(days=2)).isoformat()
    seen = await step(story, seen["id"], "schedule", appointment_at=at, place="Consultorio 4")
    assert clock_of(seen["due"]) == clock_of(at) == clock_of(seen["appointment_at"])
    assert seen["act_by"] is None
    review = str(clock.today() + timedelta(days=9))
    await step(story, seen["id"], "hold", reason="other", review_on=review)
    seen = await step(story, seen["id"], "resume")
    assert clock_of(seen["appointment_at"]) == clock_of(at), "the appointment stands"
    seen = await step(story, seen["id"], "start")
    assert within(seen, 30)
    assert seen["appointment_at"] is None
    seen = await step(story, seen["id"], "complete", outcome="delivered")
    assert (seen["due"], seen["act_by"], seen["overdue"]) == (None, None, False)


async def test_what_lies_after_its_acceptance_is_overdue_for_both_sides(story: Story) -> None:
    lying = await story.accepted(urgency="emergency")
    meeting = await story.accepted(urgency="routine")
    at = (clock.now() + timedelta(days=1)).isoformat()
    await step(story, meeting["id"], "schedule", appointment_at=at)
    for days, late in ((0.5, set()), (1.5, {lying["id"], meeting["id"]})):
        with clock.shifted(timedelta(days=days)):
            for who, path in ((NGO, "/referrals"), (RECIPIENT, "/referrals/inbox")):
                page = (await story.get(who, f"{path}?overdue=true")).json()
                assert {each["id"] for each in page["items"]} == late
            work = (await story.get(RECIPIENT, "/work?kind=referral_to_start")).json()["items"]
            groups = {item["ids"]["referral_id"]: item["group"] for item in work}
            assert {key for key, group in groups.items() if group == "overdue"} == late


async def test_an_appointment_is_moved_and_in_both_sides_work_and_each_side_is_reminded_once(
    story: Story,
) -> None:
    referral = await story.accepted()

    def at(days: float) -> str:
        return (clock.now() + timedelta(days=days)).isoformat()

    async def reminded(side: str) -> int:
        feed = await story.get(side, "/feed?limit=200")
        return sum(each["kind"] == "referral.appointment" for each in feed.json()["items"])

    await step(story, referral["id"], "schedule", appointment_at=at(3), place="Consultorio 4")
    seen = await step(story, referral["id"], "schedule", appointment_at=at(5))
    assert (seen["state"], clock_of(seen["due"]).date()) == ("scheduled", clock_of(at(5)).date())
    for who, kind in ((NGO, "referral_appointment"), (RECIPIENT, "referral_to_start")):
        work = (await story.get(who, f"/work?kind={kind}&limit=200")).json()["items"]
        (row,) = [one for one in work if one["ids"]["referral_id"] == referral["id"]]
        assert clock_of(row["due"]) == clock_of(seen["due"])
    for days, told in ((2.5, 0), (4.5, 1), (4.6, 1)):
        with clock.shifted(timedelta(days=days)):
            await remind(story.database, clock.now())
            assert [await reminded(who) for who in (NGO, RECIPIENT)] == [told, told]
    with clock.shifted(timedelta(days=4.7)):
        await step(story, referral["id"], "schedule", appointment_at=at(3.3))
    with clock.shifted(timedelta(days=7.5)):
        await remind(story.database, clock.now())
        assert [await reminded(who) for who in (NGO, RECIPIENT)] == [2, 2]


async def test_the_place_of_an_appointment_is_in_no_list(story: Story) -> None:
    referral = await story.accepted()
    at = (clock.now() + timedelta(days=1)).isoformat()
    await step(story, referral["id"], "schedule", appointment_at=at, place="Consultorio Zulia 4")
    for who, path in ((NGO, "/referrals"), (RECIPIENT, "/referrals/inbox"), (RECIPIENT, "/work")):
        assert "Consultorio" not in (await story.get(who, path)).text
    history = await story.get(NGO, f"/referrals/{referral['id']}/history")
    assert "Consultorio Zulia 4" in history.text
