"""Parses the months in a query for operational numbers."""

from datetime import date
from typing import Annotated

from common import clock
from common.errors import INVALID
from fastapi import Query

from reporting.ground.asked_periods import asked_period
from reporting.ground.periods import PeriodKind, months_before

Month = Annotated[str | None, Query(max_length=7, examples=["2026-11"])]
_DEFAULT_MONTHS = 3


def months(first: str | None, last: str | None) -> tuple[date, date]:
    """Return the first days of the first and last requested month; the default is the last three months. Raise 422 for
    a malformed month, or for months in the wrong order."""
    end = _month(last, "/to") if last else clock.utc_day(clock.now()).replace(day=1)
    start = _month(first, "/from") if first else months_before(end, _DEFAULT_MONTHS - 1)
    if start > end:
        raise INVALID.because("from_lies_after_to", pointer="/from")
    return start, end


def _month(text: str, pointer: str) -> date:
    period = asked_period(text, pointer)
    if period.kind is not PeriodKind.MONTH:
        raise INVALID.because("write_month_such_as_2026_11", pointer=pointer)
    return period.start
