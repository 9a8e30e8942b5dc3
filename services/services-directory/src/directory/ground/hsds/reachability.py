"""Decides how a person reaches a service, and whether this is in time. Pure.

Plans, gaps, posters, help pages and text messages share this rule. A call or a visit needs no referral. A call waits
for the next opening; a visit also includes the journey. A referral waits for the service's response, which never comes
before the service opens. Unknown hours exclude nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from directory.ground.hsds.opening_hours import (
    WEEK_MINUTES,
    Span,
    opening_of,
    schedules_of,
    week_from,
)

# Hours until the first response to a referral, codelists/referral_attributes.csv `response_delay`.
RESPONSE_HOURS = {"same_day": 12, "24h": 24, "72h": 72, "one_week": 168, "one_month": 720}
SOONEST = RESPONSE_HOURS["same_day"]
"""The shortest answer that has a code; it counts as in time for the most urgent needs."""
KILOMETRES_AN_HOUR = 60


class Way(StrEnum):
    """The ways to reach a service, quickest first."""

    CALL = "call"
    WALK_IN = "walk_in"
    REFERRAL = "referral"


class Late(StrEnum):
    """The reasons why a way is too late, which are also values of `Reason`."""

    OPENS = "opens_late"
    ANSWERS = "answers_late"
    ARRIVES = "arrives_late"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The deadline in hours from now for getting help, and for the service to open. None means no limit."""

    hours: int | None = None
    opening: int | None = None

    @property
    def delays(self) -> tuple[str, ...]:
        """Return the response delay codes that are in time."""
        return _delays(self.hours)


@dataclass(frozen=True, slots=True)
class Hours:
    """The known hours of the coming week. `told` means that the service states its hours. `unread` means that some of
    them cannot be interpreted."""

    week: Sequence[Span] = ()
    told: bool = False
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """The best way to reach the service, and the reason if it is late. `opens` is the minute of the week at which the
    service opens."""

    way: Way
    late: Late | None = None
    opens: int | None = None


@lru_cache(maxsize=1_000)
def ways_of(modes: Collection[str], method: str | None) -> tuple[Way, ...]:
    """Return the ways for the codes of `intake_mode` (hashable) and `referral_method`. Return an empty tuple if nobody
    can be sent to the service."""
    found = []
    if "hotline" in modes:
        found.append(Way.CALL)
    if "walk_in" in modes or (not modes and method == "not_required"):
        found.append(Way.WALK_IN)
    if method != "not_accepted":
        found.append(Way.REFERRAL)
    return tuple(found)


def ways_of_document(document: Mapping[str, Any]) -> tuple[Way, ...]:
    referral = document.get("referral", {})
    return ways_of(tuple(referral.get("intake_modes", ())), referral.get("method"))


def hours_of_document(document: Mapping[str, Any], today: date) -> Hours:
    """Return the hours of the seven days from `today`."""
    known = opening_of(schedules_of(document))
    week = week_from(known.usual, known.seasons, today)
    return Hours(week, bool(known.usual or known.seasons), known.unread)


def reached(
    ways: Sequence[Way],
    hours: Hours,
    delay: str | None,
    deadline: Deadline,
    minute: int | None,
    kilometres: int | None = None,
) -> Reached | None:
    """Return the first way that is in time, or else the first way with the reason for its delay. Return None if there
    are no ways. `minute` is the minute of the week at the service. With None, as for a poster, opening hours are
    ignored."""
    found = [_by(way, hours, delay, deadline, minute, kilometres or 0) for way in ways]
    return min(found, key=lambda each: each.late is not None, default=None)


def until_open(hours: Hours, minute: int) -> int | None:
    """Return the minutes until the service next opens. Return a week if it does not open this week, or None if this is
    unknown."""
    waits = [
        0 if opens <= minute < closes else (opens - minute) % WEEK_MINUTES
        for opens, closes in hours.week
    ]
    wait = min(waits, default=WEEK_MINUTES)
    return None if wait and (hours.unread or not hours.told) else wait


def next_opening(hours: Hours, minute: int) -> int | None:
    """Return the minute of the week at which the service opens, if it is known to be closed now and to open this
    week."""
    wait = until_open(hours, minute)
    return (minute + wait) % WEEK_MINUTES if wait and wait < WEEK_MINUTES else None


def _by(
    way: Way,
    hours: Hours,
    delay: str | None,
    deadline: Deadline,
    minute: int | None,
    kilometres: int,
) -> Reached:
    travel = kilometres * 60 // KILOMETRES_AN_HOUR if way is Way.WALK_IN else 0
    wait, opens = 0, None
    if minute is not None:
        there = (minute + travel) % WEEK_MINUTES
        wait, opens = until_open(hours, there) or 0, next_opening(hours, there)
    late = None
    if deadline.opening is not None and wait > deadline.opening * 60:
        late = Late.OPENS
    elif way is Way.REFERRAL:
        late = Late.ANSWERS if delay in RESPONSE_HOURS.keys() - deadline.delays else None
    elif deadline.hours is not None and travel + wait > deadline.hours * 60:
        late = Late.OPENS if wait else Late.ARRIVES
    return Reached(way, late, opens)


@lru_cache(maxsize=1_000)
def _delays(limit: int | None) -> tuple[str, ...]:
    most = None if limit is None else max(limit, SOONEST)
    return tuple(code for code, hours in RESPONSE_HOURS.items() if most is None or hours <= most)
