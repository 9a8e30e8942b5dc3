"""Headings for waiting work: overdue, today, this week, later, no deadline. Pure. Earliest deadline first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from common import clock

WEEK = timedelta(days=7)
_NIGHT = timedelta(hours=6)


class Group(StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    NO_DEADLINE = "no_deadline"


NOW = frozenset({Group.OVERDUE, Group.TODAY})
"""The groups that a badge counts."""


@dataclass(frozen=True)
class Bounds:
    """The bounds between groups. `late`: anything due before it is overdue. `today`, `week`: the ends of today and of
    the next seven days. Late in the evening, `today` includes the night: an emergency from 23:30, due at 0:30, is not
    tomorrow's work."""

    late: datetime
    today: datetime
    week: datetime

    def group(self, due: datetime | None) -> Group:
        if due is None:
            return Group.NO_DEADLINE
        for group, end in self.ends():
            if due < end:
                return group
        return Group.LATER

    def ends(self) -> Iterator[tuple[Group, datetime]]:
        yield Group.OVERDUE, self.late
        yield Group.TODAY, self.today
        yield Group.WEEK, self.week


def bounds(now: datetime, *, by_day: bool) -> Bounds:
    """Return the current bounds. An instant is overdue once it has passed. A day, stored as its start in UTC as in
    `referrals.due`, is overdue once it has ended in local time."""
    today = clock.day_of(now)
    begins = _in_utc if by_day else clock.begins
    ends_today = begins(today + timedelta(days=1))
    return Bounds(
        late=begins(today) if by_day else now,
        today=ends_today if by_day else max(ends_today, now + _NIGHT),
        week=begins(today + WEEK),
    )


def _in_utc(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
