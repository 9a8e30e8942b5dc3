"""The work plan: a target for each allow-listed indicator and area, and the progress."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from common.words.places import Places

from reporting.count.activities.indicators import BY_CODE, Counted, total


@dataclass(frozen=True, slots=True)
class Target:
    """A target. ``area`` None means everywhere; the plan covers [start, end], both inclusive."""

    id: UUID
    plan: str
    indicator: str
    area: str | None
    start: date
    end: date
    target: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress towards a target. ``done`` counts from the plan's start to ``until``; ``share`` exceeds 1 if the target
    is exceeded."""

    target: Target
    until: date
    done: int
    share: Decimal


def progress(
    target: Target, activities: Iterable[Counted], *, until: date, places: Places
) -> Progress:
    """Return how much of the target the activities have reached by ``until``."""
    last = min(until, target.end)
    done = total(
        activities,
        BY_CODE[target.indicator],
        start=target.start,
        end=last,
        area=target.area,
        places=places,
    )
    share = (Decimal(done) / Decimal(target.target)).quantize(
        Decimal("0.001"), rounding=ROUND_HALF_EVEN
    )
    return Progress(target, last, done, share)
