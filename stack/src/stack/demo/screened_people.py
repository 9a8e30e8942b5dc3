"""Whom the demo's past tells of where traffickers are looked for: fictional people, screened. Pure.

The numbers are invented: no area, route or kind of exploitation is more usual than they happen to
say here.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from stack.demo.past_people import one_of

Route = tuple[str, tuple[str, ...], str]
"""Origin, transit and destination."""

_STATES = {"VE20": 45, "VE23": 35, "VE07": 20}
_ROUTES: dict[Route, int] = {
    ("VE20", (), "CO"): 36,
    ("VE23", (), "CW"): 24,
    ("VE07", ("VE10",), "TT"): 22,
    ("VE07", (), "BR"): 18,
}
_TYPES: dict[tuple[str, ...], int] = {
    ("SexualExploitation",): 46,
    ("ForcedLabour",): 36,
    ("SexualExploitation", "ForcedLabour"): 18,
}
_SUPPORT = {"SocialCare": 40, "Legal": 32, "Health": 28}
_AGES = {(12, 17): 22, (18, 45): 78}
Course = Literal["assisted", "referred", "identified", "not_identified", "stopped"]
_COURSES: dict[Course, int] = {
    "assisted": 56,
    "referred": 10,
    "identified": 12,
    "not_identified": 14,
    "stopped": 8,
}
_DAY = 9
"""Day after the first of each month on which people are screened."""


@dataclass(frozen=True)
class ScreenedPerson:
    """One fictional person: her stage, and her record."""

    age: int
    sex: Literal["female", "male"]
    state: str
    counts: bool
    course: Course
    exploitation_types: tuple[str, ...]
    route: Route
    support: str

    @property
    def child(self) -> bool:
        return self.age < 18

    @property
    def identified(self) -> bool:
        """Whether the screener judged that she may be a victim."""
        return self.course in {"assisted", "referred", "identified"}


@dataclass(frozen=True)
class ScreeningDay:
    """The people who were screened on one day."""

    moment: datetime
    people: tuple[ScreenedPerson, ...]


def quarter_before(today: date) -> date:
    """The first day of the quarter that ended last."""
    this = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    last = this - timedelta(days=1)
    return last.replace(month=last.month - 2, day=1)


def quarter_id(first: date) -> str:
    """As reporting names it: `2026-Q3`."""
    return f"{first.year}-Q{(first.month + 2) // 3}"


def screening_days(first: date, people: int) -> Iterator[ScreeningDay]:
    """One day in each month of the quarter that begins on `first`: always the same people."""
    chance = random.Random(first.toordinal())  # noqa: S311 - a story, not a secret
    each, more = divmod(people, 3)
    for number in range(3):
        day = first.replace(month=first.month + number) + timedelta(days=_DAY)
        count = each + (number < more)
        moment = datetime.combine(day, time(13), UTC)
        yield ScreeningDay(moment, tuple(_person(chance) for _ in range(count)))


def _person(chance: random.Random) -> ScreenedPerson:
    low, high = one_of(chance, _AGES)
    return ScreenedPerson(
        age=chance.randint(low, high),
        sex="female" if chance.random() < 0.7 else "male",
        state=one_of(chance, _STATES),
        counts=chance.random() < 0.95,
        course=one_of(chance, _COURSES),
        exploitation_types=one_of(chance, _TYPES),
        route=one_of(chance, _ROUTES),
        support=one_of(chance, _SUPPORT),
    )
