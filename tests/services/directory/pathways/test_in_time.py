"""A service counts as available only in time, by a call, a visit or a referral, each with its own time."""

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from directory.ground.hsds.opening_hours import WEEK_MINUTES
from directory.pathways.definition.graph import Urgency
from directory.pathways.definition.profile import Moment, Profile
from directory.pathways.gaps.models import gap_observations
from directory.pathways.matching.candidates import Candidate, ReferralWay
from directory.pathways.matching.ranking import Situation, rank
from directory.pathways.matching.reach import demand
from httpx import AsyncClient

from tests.services.directory.conftest import Publish, as_
from tests.services.directory.pathways.profiles import PLACES, TODAY, service

FRIDAY_AT_THREE = {"weekday": 5, "time": "15:00"}
MORNINGS = tuple((day * 1440 + 480, day * 1440 + 720) for day in (0, 2, 4))
OFFICE = tuple((day * 1440 + 480, day * 1440 + 960) for day in range(5))
ALWAYS = ((0, WEEK_MINUTES),)
SLOW = ReferralWay(method="interagency_form", response_delay="72h")


def reasons(
    candidate: Candidate,
    moment: dict[str, Any] | None,
    urgency: Urgency = Urgency.AT_ONCE,
    remaining: int | None = None,
    *,
    safety: bool = False,
) -> set[str]:
    asked = Profile(area="VE2313", moment=Moment(**moment) if moment else None)
    wanted = demand("HLT", urgency, remaining, safety=safety)
    fitting, missed = rank([candidate], Situation(asked, frozenset({"GBV"}), wanted, PLACES, TODAY))
    return {each.code for one in fitting for each in one.reasons} | {
        each.code for one in missed for each in one.excluded_by
    }


@pytest.mark.parametrize(
    ("moment", "urgency", "remaining", "late"),
    [
        (FRIDAY_AT_THREE, Urgency.AT_ONCE, 4, True),
        ({"weekday": 5, "time": "10:00"}, Urgency.AT_ONCE, 4, False),
        ({"weekday": 5, "time": "20:00"}, Urgency.WITHIN_24_HOURS, None, True),
        ({"weekday": 5, "time": "20:00"}, Urgency.WITHIN_72_HOURS, None, False),
        ({"weekday": 7, "time": "20:00"}, Urgency.AT_ONCE, 20, False),  # In twelve hours.
        ({"weekday": 7, "time": "20:00"}, Urgency.AT_ONCE, 11, True),
        ({"weekday": 5, "time": "20:00"}, Urgency.ROUTINE, None, False),
        (None, Urgency.AT_ONCE, 4, False),
    ],
)
def test_the_next_opening_is_compared_with_the_urgency_and_the_window(
    moment: dict[str, Any] | None, urgency: Urgency, remaining: int | None, late: bool
) -> None:
    clinic = service(open_minutes=MORNINGS, modes=frozenset({"walk_in"}))
    assert ("opens_late" in reasons(clinic, moment, urgency, remaining)) is late


def test_hours_that_nobody_told_or_can_read_are_not_late() -> None:
    assert "opens_late" not in reasons(service(), FRIDAY_AT_THREE)
    unread = service(open_minutes=OFFICE, hours_unread=True)
    assert "opens_late" not in reasons(unread, {"weekday": 6, "time": "03:00"})


def test_in_danger_at_once_means_open_now() -> None:
    dawn = {"weekday": 3, "time": "05:00"}
    line = service(open_minutes=OFFICE, modes=frozenset({"hotline"}))
    assert "opens_late" not in reasons(line, dawn)
    assert "opens_late" in reasons(line, dawn, safety=True)
    assert "by_call" in reasons(line, {"weekday": 3, "time": "09:00"}, safety=True)


@pytest.mark.parametrize(
    ("modes", "found"),
    [
        ({"hotline"}, "by_call"),
        ({"walk_in", "outreach"}, "by_walk_in"),
        ({"by_appointment"}, "answers_late"),
        ({"referral_only"}, "answers_late"),
        (set(), "answers_late"),
    ],
)
def test_a_call_or_a_visit_does_not_wait_for_the_answer_to_a_referral(
    modes: set[str], found: str
) -> None:
    slow = service(open_minutes=ALWAYS, modes=frozenset(modes), referral=SLOW)
    assert found in reasons(slow, FRIDAY_AT_THREE)
    assert found in reasons(slow, None)


def test_who_takes_no_referrals_but_answers_the_phone_can_be_reached() -> None:
    none = ReferralWay(method="not_accepted")
    assert "referrals_not_accepted" in reasons(service(referral=none), None)
    line = service(referral=none, modes=frozenset({"hotline"}))
    assert "by_call" in reasons(line, None)


def test_the_journey_counts_until_the_doors_are_open() -> None:
    """The trip takes an hour. A service is still open on arrival at three, but not half an hour before closing."""
    there = service(
        area="VE2316",
        open_minutes=OFFICE,
        modes=frozenset({"walk_in"}),
        referral=ReferralWay(method="not_accepted"),
    )
    far = PLACES.distance("VE2313", "VE2316")
    assert far is not None
    assert 60 < far < 120
    soon = Urgency.WITHIN_72_HOURS
    assert "by_walk_in" in reasons(there, {"weekday": 3, "time": "09:00"}, soon, 6)
    assert "opens_late" in reasons(there, {"weekday": 3, "time": "15:30"}, soon, 6)
    assert "arrives_late" in reasons(there, {"weekday": 3, "time": "09:00"}, soon, 1)


async def test_what_opens_after_the_window_is_a_gap_in_time(
    api: AsyncClient, database: Database, publish: Publish
) -> None:
    """The only clinic opens on Monday, Wednesday and Friday mornings; only four of 72 hours are left."""
    hours = {"freq": "WEEKLY", "byday": "MO,WE,FR", "opens_at": "08:00", "closes_at": "12:00"}
    await publish(
        categories=["GBV-CMR"],
        schedules=[hours],
        referral={"intake_modes": ["walk_in"], "response_delay": "same_day"},
    )
    survivor = {
        "area": "VE2313", "age": 27, "sex": "female", "situations": ["sexual_violence"],
        "hours_since_incident": 68,
    }  # fmt: skip

    async def step(moment: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        answer = await api.post(
            "/directory/v1/pathways/resolve",
            json={**survivor, "moment": moment},
            headers=as_("ngo-refugio"),
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return next(each for each in body["steps"] if each["need"] == "GBV-CMR"), body["gaps"]

    late, gaps = await step(FRIDAY_AT_THREE)
    assert late["coverage"] == "gap_in_time"
    assert late["services"] == []
    assert "GBV-CMR" in gaps
    (near,) = late["gap"]["near_misses"]
    assert near["excluded_by"][0]["says"] == {
        "es": "Abre el lunes 08:00: demasiado tarde",
        "en": "Opens Monday 08:00: too late",
    }
    assert near["opens"] == {"es": "lunes 08:00", "en": "Monday 08:00"}
    assert near["ways"] == ["walk_in", "referral"]
    assert all(late["meanwhile"][language] for language in ("es", "en"))
    async with database.transaction() as session:
        counted = sa.select(gap_observations.c.count).where(gap_observations.c.need == "GBV-CMR")
        assert (await session.scalars(counted)).all() == [1]

    open_now, gaps = await step({"weekday": 5, "time": "10:00"})
    assert open_now["coverage"] == "available"
    assert "GBV-CMR" not in gaps
    assert "meanwhile" not in open_now


async def test_a_question_without_a_moment_is_asked_now(
    api: AsyncClient, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = {"freq": "WEEKLY", "byday": "TU", "opens_at": "08:00", "closes_at": "12:00"}
    await publish(categories=["HLT"], schedules=[hours])
    ill = {"area": "VE2313", "situations": ["illness"]}

    async def coverage() -> str:
        answer = await api.post(
            "/directory/v1/pathways/resolve", json=ill, headers=as_("ngo-refugio")
        )
        return next(e["coverage"] for e in answer.json()["steps"] if e["need"] == "HLT")  # type: ignore[no-any-return]

    assert await coverage() == "available"
    monkeypatch.setattr(clock, "at_home", lambda: datetime(2026, 12, 2, 10))  # noqa: DTZ001 - at home
    assert await coverage() == "gap_in_time"
