"""Series from other publishers (protection-risk indices, displacement counts), unchanged and with their provenance.
Ruta shows them beside its own numbers and never mixes them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from reporting.ground.language import Text, decimals


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A value in a series. ``area`` is a P-code, or None for the whole country."""

    day: date
    area: str | None
    value: Decimal


@dataclass(frozen=True, slots=True)
class OutsideSeries:
    """One imported edition of a series. ``source``, ``url``, ``licence``, ``retrieved_on`` and ``method`` are its
    provenance. ``edition`` counts the imports of ``code``; no edition is ever overwritten."""

    id: UUID
    code: str
    edition: int
    title: Text
    unit: Text
    source: str
    url: str
    licence: str
    retrieved_on: date
    method: str | None
    points: tuple[SeriesPoint, ...]

    @property
    def step(self) -> Decimal:
        """Return the last decimal place in which the series is written: 0.1 if it has 5 and 5.2."""
        return Decimal(1).scaleb(-max((decimals(p.value) for p in self.points), default=0))

    def point(self, day: date, area: str | None) -> SeriesPoint | None:
        return next((p for p in self.points if (p.day, p.area) == (day, area)), None)

    def latest(self, until: date) -> tuple[SeriesPoint, ...]:
        """Return the points of the latest day that is not after ``until``, by area."""
        days = [p.day for p in self.points if p.day <= until]
        if not days:
            return ()
        return tuple(p for p in self.points if p.day == max(days))

    def days(self, start: date, until: date) -> tuple[date, ...]:
        """Return the days from ``start`` to ``until`` that have points."""
        return tuple(sorted({p.day for p in self.points if start <= p.day <= until}))
