"""Opening hours as minutes of the week, for "open now": Monday 00:00 is 0, Sunday 24:00 is 10080.

Only what a weekly rule says is known to be open; monthly rules and free text are not guessed.
"""

import re
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, Literal, get_args

Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
DAYS: tuple[Weekday, ...] = get_args(Weekday)
DAY_NAMES = {
    "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
_DAY = re.compile(rf"(?:[+-]?\d+)?({'|'.join(DAYS)})")
_EACH = rf"([+-]?\d{{1,2}})?({'|'.join(DAYS)})"
BYDAY = re.compile(rf"{_EACH}(,{_EACH})*")
"""Weekdays as RFC 5545 writes them: `MO,WE`, `1MO,-1FR`."""

Span = tuple[int, int]


def minute_of_week(moment: datetime) -> int:
    """`moment` is local time at the service."""
    return moment.weekday() * DAY_MINUTES + moment.hour * 60 + moment.minute


def windows(days: Sequence[Weekday], start: time, end: time | None) -> list[Span]:
    """The spans between two times of day on these days, every day if there are none; `end` None is
    midnight. Empty unless `end` is after `start`."""
    first = start.hour * 60 + start.minute
    last = DAY_MINUTES if end is None else end.hour * 60 + end.minute
    return [
        (at + first, at + last)
        for at in (DAYS.index(day) * DAY_MINUTES for day in days or DAYS)
        if first < last
    ]


def weekly_spans(schedules: list[dict[str, Any]]) -> list[Span]:
    """Half-open spans of minutes, merged and in order. A span past midnight runs into the next
    day; one past Sunday midnight continues on Monday."""
    spans: list[Span] = []
    for schedule in schedules:
        spans += _spans(schedule)
    return _merged(spans)


def _spans(schedule: dict[str, Any]) -> list[Span]:
    if schedule.get("freq", "WEEKLY") != "WEEKLY" or not schedule.get("byday"):
        return []
    if int(schedule.get("interval") or 1) != 1:
        return []
    opens = _minutes(schedule.get("opens_at"), 0)
    closes = _minutes(schedule.get("closes_at"), DAY_MINUTES)
    if closes <= opens:
        closes += DAY_MINUTES
    found: list[Span] = []
    for day in _DAY.findall(str(schedule["byday"]).upper()):
        start = DAYS.index(day) * DAY_MINUTES
        found += _wrapped(start + opens, start + closes)
    return found


def _wrapped(start: int, end: int) -> list[Span]:
    if end <= WEEK_MINUTES:
        return [(start, end)]
    return [(start, WEEK_MINUTES), (0, end - WEEK_MINUTES)]


def _minutes(text: str | None, default: int) -> int:
    if not text:
        return default
    clock = time.fromisoformat(text)
    return clock.hour * 60 + clock.minute


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
