"""All paths agree on the local day when the UTC day differs. A day ends at midnight in the home time zone."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from common import clock

from tests.services.referrals.screening_words import certify
from tests.services.referrals.story import Story
from tests.services.referrals.test_work import of_kind, work

RECIPIENT, REFERRER = "ngo-salud", "ngo-refugio"
HOURS = [("America/Caracas", 21), ("Asia/Dhaka", 1)]
"""Nine in the evening is tomorrow in UTC; one in the morning is yesterday."""


@pytest.fixture(params=HOURS, ids=[zone for zone, _ in HOURS])
def today(request: pytest.FixtureRequest) -> Iterator[date]:
    zone, hour = request.param
    clock.live_in(zone)
    # This is far enough ahead that the tests' certificates and tokens are already valid.
    day = clock.today() + timedelta(days=1)
    at = datetime.combine(day, time(hour), ZoneInfo(zone))
    with clock.shifted(at - clock.now()):
        assert clock.utc_day(clock.now()) != day
        yield day
    clock.live_in(clock.HOME_TIMEZONE)


async def overdue(story: Story, referral: str) -> dict[str, bool]:
    """Return each road's answer."""
    listed = (await story.get(RECIPIENT, "/referrals/inbox?order=deadline")).json()["items"]
    late = (await story.get(RECIPIENT, "/referrals/inbox?overdue=true")).json()["items"]
    soonest = await story.get(RECIPIENT, "/referrals/inbox?overdue=true&order=deadline")
    sent = (await story.get(REFERRER, "/referrals?overdue=true")).json()["items"]
    (waiting,) = of_kind(await work(story, RECIPIENT), "referral_on_hold")
    groups = (await story.get(RECIPIENT, "/work/count")).json()["by_group"]
    assert groups[waiting["group"]] >= 1
    return {
        "itself": (await story.get(RECIPIENT, f"/referrals/{referral}")).json()["overdue"],
        "listed": next(each["overdue"] for each in listed if each["id"] == referral),
        "asked for": referral in [each["id"] for each in late],
        "asked for in order": referral in [each["id"] for each in soonest.json()["items"]],
        "asked for by the sender": referral in [each["id"] for each in sent],
        "counted": (await story.get(RECIPIENT, "/referrals/inbox/counts")).json()["overdue"] == 1,
        "work": waiting["group"] == "overdue",
    }


async def test_what_is_due_today_is_late_when_the_day_has_ended_at_home(
    story: Story, today: date
) -> None:
    held = (await story.accepted())["id"]
    body = {"reason": "other", "review_on": str(today)}
    await story.made(RECIPIENT, f"/referrals/{held}/hold", body)
    (waiting,) = of_kind(await work(story, RECIPIENT), "referral_on_hold")
    assert waiting["group"] == "today"
    assert set((await overdue(story, held)).values()) == {False}
    midnight = clock.begins(today + timedelta(days=1))
    with clock.shifted(midnight - clock.now() - timedelta(minutes=5)):
        assert set((await overdue(story, held)).values()) == {False}
    with clock.shifted(midnight - clock.now()):
        assert set((await overdue(story, held)).values()) == {True}


async def test_who_is_of_age_tomorrow_is_a_minor_and_who_is_born_today_is_born(
    story: Story, today: date
) -> None:
    async def age(born: date) -> Any:
        made = await story.case(identity={"name": "Ana", "birth_date": str(born)})
        return (await story.get(REFERRER, f"/cases/{made['id']}")).json()["age"]

    tomorrow = today + timedelta(days=1)
    assert await age(date(today.year - 18, today.month, min(today.day, 28))) == 18
    assert await age(tomorrow - timedelta(days=round(18 * 365.2425))) in {17, 18}
    assert await age(today) == 0
    unborn = {"name": "Ana", "birth_date": str(tomorrow)}
    refused = await story.post(REFERRER, "/cases", {"identity": unborn, "area": "VE2313"})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/identity/birth_date")


async def test_a_certificate_of_today_counts_until_midnight_at_home(
    story: Story, today: date
) -> None:
    made = await certify(story, certified_on=str(today - timedelta(days=9)), valid_until=str(today))
    assert made["standing"] == "expiring"
    new = await certify(story, holder="ngo-salud", certified_on=str(today))
    assert new["standing"] == "valid"
    with clock.shifted(clock.begins(today + timedelta(days=1)) - clock.now()):
        listed = (await story.get("ngo-refugio-supervisor", "/certificates")).json()["items"]
        assert {each["id"]: each["standing"] for each in listed}[made["id"]] == "expired"
