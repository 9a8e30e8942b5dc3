"""Reporting periods: half months (quincenas), months, quarters and years. Ids name the days that they cover.

A half month is the shortest period that closes. A month consists of exactly its two halves. A monthly number therefore
comes from closed releases, never from a second count of the same people (rule R4).
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from common.words import conventions
from common.words.details import WrongValue

# The range of reporting years, in which each period has one before and one after it.
_HALF = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])([ab])")
_MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")
_YEAR = re.compile(r"(2[0-9]{3})")
_QUARTER = re.compile(r"(2[0-9]{3})-Q([1-4])")
_LAST_DAY_OF_FIRST_HALF = 15


class PeriodKind(StrEnum):
    HALF_MONTH = "half-month"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class NoPeriodError(WrongValue):
    """The text is not a period; the message lists the possible forms."""

    def __init__(self, text: str) -> None:
        super().__init__("is_no_period", repr(text))


@dataclass(frozen=True, order=True)
class Period:
    """A period, including both ``start`` and ``end`` (UTC days)."""

    start: date
    end: date
    kind: PeriodKind
    id: str

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Parse an id such as ``2026-11a``, ``2026-11`` or ``2026-Q4``. Raise NoPeriodError if it is invalid."""
        if match := _HALF.fullmatch(text):
            return _half(int(match[1]), int(match[2]), match[3])
        if match := _MONTH.fullmatch(text):
            return _month(int(match[1]), int(match[2]))
        if match := _QUARTER.fullmatch(text):
            return _quarter(int(match[1]), int(match[2]))
        if match := _YEAR.fullmatch(text):
            return _year(int(match[1]))
        raise NoPeriodError(text)

    @classmethod
    def containing(cls, day: date, kind: PeriodKind) -> "Period":
        """Return the period of that kind that contains ``day``."""
        if kind is PeriodKind.HALF_MONTH:
            return _half(day.year, day.month, "a" if day.day <= _LAST_DAY_OF_FIRST_HALF else "b")
        if kind is PeriodKind.MONTH:
            return _month(day.year, day.month)
        if kind is PeriodKind.YEAR:
            return _year(day.year)
        return _quarter(day.year, (day.month + 2) // 3)

    def parts(self, kind: PeriodKind) -> tuple["Period", ...]:
        """Return the periods of a shorter (or the same) kind that make up this period, in order."""
        found: list[Period] = []
        day = self.start
        while day <= self.end:
            part = Period.containing(day, kind)
            if part.start < self.start or part.end > self.end:
                raise ValueError(f"{self.id} is not made of whole periods of kind {kind}")
            found.append(part)
            day = part.end + timedelta(days=1)
        return tuple(found)

    @property
    def previous(self) -> "Period":
        return Period.containing(self.start - timedelta(days=1), self.kind)

    @property
    def next(self) -> "Period":
        return Period.containing(self.end + timedelta(days=1), self.kind)

    def ended(self, today: date) -> bool:
        """Return whether the period ended before ``today``; only then may it close."""
        return self.end < today

    def label(self, language: str) -> str:
        """Return the period in words for a reader: "1–15 de noviembre de 2026", "November 2026", "2026 Q4"."""
        if self.kind is PeriodKind.QUARTER:
            return conventions.quarter(int(self.id[-1]), self.start.year, language)
        if self.kind is PeriodKind.YEAR:
            return self.id
        if self.kind is PeriodKind.MONTH:
            return conventions.month(self.start, language)
        return conventions.days_of(f"{self.start.day}–{self.end.day}", self.start, language)


def periods_between(first: Period, last: Period, kind: PeriodKind) -> tuple[Period, ...]:
    """Return the periods of a kind that lie completely within the range, in order."""
    found, each = [], Period.containing(first.start, kind)
    while each.end <= last.end:
        if each.start >= first.start:
            found.append(each)
        each = each.next
    return tuple(found)


def months_before(month: date, count: int) -> date:
    """Return the first day of the month ``count`` months earlier, but never before year 1."""
    months = month.year * 12 + month.month - 1 - count
    return date(max(months // 12, 1), months % 12 + 1, 1)


def span_of(ids: Sequence[str]) -> Period | None:
    """Return the month, quarter or year that consists of exactly these closed periods, if there is one."""
    parts = sorted(map(Period.parse, ids))
    if not parts:
        return None
    for kind in (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR):
        whole = Period.containing(parts[0].start, kind)
        try:
            if list(whole.parts(parts[0].kind)) == parts:
                return whole
        except ValueError:  # a quarter is not part of a month
            continue
    return None


def _half(year: int, month: int, half: str) -> Period:
    first, last = date(year, month, 1), date(year, month, _LAST_DAY_OF_FIRST_HALF)
    if half == "b":
        first, last = last + timedelta(days=1), date(year, month, monthrange(year, month)[1])
    return Period(first, last, PeriodKind.HALF_MONTH, f"{year:04}-{month:02}{half}")


def _month(year: int, month: int) -> Period:
    last = date(year, month, monthrange(year, month)[1])
    return Period(date(year, month, 1), last, PeriodKind.MONTH, f"{year:04}-{month:02}")


def _year(year: int) -> Period:
    return Period(date(year, 1, 1), date(year, 12, 31), PeriodKind.YEAR, f"{year:04}")


def _quarter(year: int, quarter: int) -> Period:
    last_month = quarter * 3
    last = date(year, last_month, monthrange(year, last_month)[1])
    start = date(year, last_month - 2, 1)
    return Period(start, last, PeriodKind.QUARTER, f"{year:04}-Q{quarter}")
