"""Whom the demo's past tells of: fictional people, when they came and what became of them. Pure.

The numbers are invented. They are shaped like a small network's: most people are women, four states,
nearly every second referral ends with a delivered service.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeVar

T = TypeVar("T")

STATES = {"VE23": 40, "VE20": 28, "VE07": 18, "VE01": 14}
"""Zulia, Táchira, Bolívar and the capital, in percent."""
NEEDS = {
    "GBV-CM": 22,
    "GBV-CMR": 14,
    "GBV-PSS": 14,
    "GBV-LEGAL": 12,
    "CP-CFS": 10,
    "HLT-SRH": 8,
    "GP-DOC": 10,
    "TIP-ASSIST": 5,
    "TIP-JUSTICE": 5,
}
_AGES = {(5, 11): 8, (12, 17): 16, (18, 59): 68, (60, 80): 8}
_CHILD_NEED = "CP-CFS"
_WOMEN = {"GBV": 88, "HLT": 92}
Fate = Literal["delivered", "under_way", "declined", "not_delivered", "unanswered"]
_FATES: dict[Fate, int] = {
    "delivered": 46,
    "under_way": 10,
    "declined": 24,
    "not_delivered": 10,
    "unanswered": 10,
}
DECLINED_BECAUSE = {"capacity": 60, "eligibility": 20, "coverage": 20}
NOT_DELIVERED_BECAUSE = {"no_show": 50, "unreachable": 30, "declined_by_person": 20}
_GROWTH = (0.5, 0.6, 0.8, 1.0, 1.4, 1.7)
"""How the network grew over the last half months, around the asked number of people."""
INTAKE_DAYS = (2, 8)
"""Days after the first of a half month on which people come."""


@dataclass(frozen=True)
class PastPerson:
    """One fictional person with one need. `steps` are what happened, with the hours since intake."""

    age: int
    sex: Literal["female", "male"]
    state: str
    need: str
    counts: bool
    urgency: Literal["routine", "urgent"]
    fate: Fate
    steps: tuple[tuple[int, str], ...]
    reason: str

    @property
    def child(self) -> bool:
        return self.age < 18


@dataclass(frozen=True)
class IntakeDay:
    """The people of one day; hours of their steps count from `moment`."""

    moment: datetime
    people: tuple[PastPerson, ...]


def grown(people: int, half_months: int) -> list[int]:
    """So many people per half month on average, the last ones more than the first."""
    shares = [_GROWTH[-1 - back % len(_GROWTH)] for back in range(half_months)][::-1]
    return [max(1, round(people * each * len(shares) / sum(shares))) for each in shares]


def intake_days(first: date, people: int) -> Iterator[IntakeDay]:
    """The intake of the half month that begins on `first`: always the same for the same day."""
    chance = random.Random(first.toordinal())  # noqa: S311 - a story, not a secret
    each, more = divmod(people, len(INTAKE_DAYS))
    for number, days in enumerate(INTAKE_DAYS):
        moment = datetime.combine(first + timedelta(days=days), time(14), UTC)
        count = each + (number < more)
        sittings = chance.choice((3, 20)), chance.choice((44, 68))
        yield IntakeDay(moment, tuple(_person(chance, sittings) for _ in range(count)))


def _person(chance: random.Random, sittings: tuple[int, int]) -> PastPerson:
    low, high = one_of(chance, _AGES)
    age = chance.randint(low, high)
    need = _CHILD_NEED if age < 18 and chance.random() < 0.5 else one_of(chance, NEEDS)
    women = _WOMEN.get(need.split("-")[0], 60)
    fate = one_of(chance, _FATES)
    return PastPerson(
        age=age,
        sex="female" if chance.random() * 100 < women else "male",
        state=one_of(chance, STATES),
        need=need,
        counts=chance.random() < 0.94,
        urgency="urgent" if chance.random() < 0.3 else "routine",
        fate=fate,
        steps=_steps(fate, chance, sittings),
        reason=_reason(fate, chance),
    )


def _steps(
    fate: Fate, chance: random.Random, sittings: tuple[int, int]
) -> tuple[tuple[int, str], ...]:
    """Commands after the sending, in order, no two in one hour: they are sent beside each other. `sittings`: after how
    many hours an organisation works through its queue; who came on one day is answered in the same one."""
    if fate == "unanswered":
        return ()
    answered, decided = sittings
    last = {"delivered": "complete", "under_way": "start", "not_delivered": "report-not-delivered"}
    if fate == "declined":
        return (answered, "acknowledge"), (decided, "decline")
    steps = [(answered, "acknowledge"), (decided, "accept"), (92, last[fate])]
    if fate == "delivered" and chance.random() < 0.6:
        steps.append((110, "confirm"))
    return tuple(steps)


def _reason(fate: Fate, chance: random.Random) -> str:
    if fate == "declined":
        return one_of(chance, DECLINED_BECAUSE)
    return one_of(chance, NOT_DELIVERED_BECAUSE) if fate == "not_delivered" else ""


def one_of(chance: random.Random, weights: Mapping[T, int]) -> T:
    """One of the keys, by their weights."""
    return chance.choices(list(weights), list(weights.values()))[0]


def hours(people: Sequence[PastPerson]) -> list[int]:
    """When anything happens, in hours since the intake."""
    return sorted({at for person in people for at, _ in person.steps})
