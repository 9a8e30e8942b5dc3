"""Opening hours as minutes of the week, for "open now": Monday 00:00 is 0, Sunday 24:00 is 10080. Only weekly rules
count, and only on the days on which they are valid. Monthly rules and free text are not interpreted."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple, get_args

from common.words.tables import completed

Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
DAYS: tuple[Weekday, ...] = get_args(Weekday)
DAY_NAMES = completed(
    "directory",
    {
        "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
        "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    },
)
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
_EACH = rf"([+-]?\d{{1,2}})?({'|'.join(DAYS)})"
BYDAY = re.compile(rf"{_EACH}(,{_EACH})*")
"""Weekdays in the form of RFC 5545: `MO,WE`, `1MO,-1FR`."""

Span = tuple[int, int]
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_BEGINS: dict[str, int] = {day: at * DAY_MINUTES for at, day in enumerate(DAYS)}
_FOR_EVER = "9999"
_NOT_WEEKLY = ("count", "byweekno", "bymonthday", "byyearday")


class Season(NamedTuple):
    """A season with its opening hours: open in `span` from the day `first` to the day `last`. None means no known
    limit. Without a span, the service is closed on these days, for example on a holiday."""

    first: date | None
    last: date | None
    span: Span | None


class Opening(NamedTuple):
    """All schedules of a service. `unread` means that at least one of them cannot be interpreted."""

    usual: list[Span]
    seasons: list[Season]
    unread: bool


def minute_of_week(moment: datetime) -> int:
    """Return the minute of the week. `moment` is local time at the service."""
    return moment.weekday() * DAY_MINUTES + moment.hour * 60 + moment.minute


def windows(days: Sequence[Weekday], start: time, end: time | None) -> list[Span]:
    """Return the spans between two times on these days (no days means every day). An `end` of None means midnight.
    Return an empty list unless `end` is after `start`."""
    first = start.hour * 60 + start.minute
    last = DAY_MINUTES if end is None else end.hour * 60 + end.minute
    return [
        (at + first, at + last)
        for at in (DAYS.index(day) * DAY_MINUTES for day in days or DAYS)
        if first < last
    ]


def schedules_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the schedules of a service document: its own, and those of its sites and their places."""
    sites = document.get("service_at_locations", [])
    return [
        *document.get("schedules", []),
        *(
            each
            for site in sites
            for each in (*site.get("schedules", []), *site.get("location", {}).get("schedules", []))
        ),
    ]


def opening_of(schedules: Iterable[dict[str, Any]]) -> Opening:
    """Return half-open spans of minutes, merged and in order. A span past midnight continues on the next day; a span
    past Sunday midnight continues on Monday."""
    usual: list[Span] = []
    seasons: list[Season] = []
    unread = False
    for schedule in schedules:
        first, last = _days(schedule)
        spans = _spans(schedule)
        backwards = first is not None and last is not None and last < first
        if spans is None or backwards:
            unread = True
            # With an end, it may be a holiday. A closure without an end would leave no hours at all.
            if first and last and not backwards:
                seasons.append(Season(first, last, None))
        elif first is None and last is None:
            usual += [each for _, span in spans for each in _wrapped(*span)]
        else:
            seasons += [
                Season(_after(first, nights), _after(last, nights), each)
                for nights, span in spans
                for each in _wrapped(*span)
            ]
    return Opening(_merged(usual), seasons, unread)


def week_from(usual: Iterable[Span], seasons: Sequence[Season], first: date) -> list[Span]:
    """Return the known open spans of the seven days from `first`, merged and in order."""
    if not seasons:
        return list(usual)
    opened, shut = list(usual), []
    for span, days in _held(seasons, first):
        if span is None:
            shut += days
        else:
            opened += _in_both([span], days)
    found = _merged(opened)
    for start, end in shut:
        found = _in_both(found, [(0, start), (end, WEEK_MINUTES)])
    return found


def coming_week(usual: Iterable[Span], seasons: Sequence[Season], today: date) -> list[Span]:
    """Return the spans of the coming week for callers that know the weekday but not the date. `today` is the local
    date, but elsewhere it may still be yesterday. A season therefore counts only if it is valid in both weeks."""
    if not seasons:
        return list(usual)
    one, other = (week_from(usual, seasons, each) for each in (today - _DAY, today))
    return _merged(_in_both(one, other))


def out_of_season(
    usual: Sequence[Span], seasons: Sequence[Season], today: date, *, unread: bool
) -> bool:
    """Return whether no known hours apply today. A schedule that ended yesterday still counts as in season."""
    if usual or unread or not seasons:
        return False
    return not any(
        (each.first is None or each.first <= today)
        and (each.last is None or today - _DAY <= each.last)
        for each in seasons
    )


def holds(schedule: dict[str, Any], day: date) -> bool:
    """Return whether the schedule has begun and has not ended, whatever its hours."""
    first, last = _days(schedule)
    return (first is None or first <= day) and (last is None or day <= last)


def _held(seasons: Sequence[Season], first: date) -> Iterator[tuple[Span | None, list[Span]]]:
    """Yield the span of each season and the days of the week from `first` on which it applies, in minutes."""
    for season in seasons:
        begins = max(first, season.first or first)
        ends = min(first + _WEEK, season.last + _DAY if season.last else first + _WEEK)
        if begins < ends:
            start = begins.weekday() * DAY_MINUTES
            yield season.span, _wrapped(start, start + (ends - begins).days * DAY_MINUTES)


def _spans(schedule: dict[str, Any]) -> list[tuple[int, Span]] | None:
    """Return each span with its day offset from the rule's day: 1 for the part after midnight, else 0. None if the
    schedule cannot be interpreted, for example if a time is missing."""
    days = str(schedule.get("byday") or "").upper().replace(" ", "").split(",")
    opens, closes = _minutes(schedule.get("opens_at")), _minutes(schedule.get("closes_at"))
    if (
        schedule.get("freq", "WEEKLY") != "WEEKLY"
        or (schedule.get("interval") or 1) != 1
        or any(schedule.get(name) for name in _NOT_WEEKLY)
        or not set(days) <= _BEGINS.keys()
        or opens is None
        or closes is None
    ):
        return None
    found: list[tuple[int, Span]] = []
    for day in days:
        start = _BEGINS[day]
        if opens < closes:
            found.append((0, (start + opens, start + closes)))
        else:
            found.append((0, (start + opens, start + DAY_MINUTES)))
            found.append((1, (start + DAY_MINUTES, start + DAY_MINUTES + closes)))
    return [each for each in found if each[1][0] < each[1][1]]


def _wrapped(start: int, end: int) -> list[Span]:
    start, end = start % WEEK_MINUTES, end - start + start % WEEK_MINUTES
    if end <= WEEK_MINUTES:
        return [(start, end)]
    return [(start, WEEK_MINUTES), (0, end - WEEK_MINUTES)]


def _in_both(some: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    both = ((max(a[0], b[0]), min(a[1], b[1])) for a in some for b in others)
    return [each for each in both if each[0] < each[1]]


def _minutes(text: str | None) -> int | None:
    if not text:
        return None
    clock = time.fromisoformat(text)
    return clock.hour * 60 + clock.minute


def _days(schedule: dict[str, Any]) -> tuple[date | None, date | None]:
    """Return the first and the last day of the schedule, if known."""
    first = [schedule.get("valid_from"), schedule.get("dtstart")]
    last = [schedule.get("valid_to"), schedule.get("until")]
    return (
        max((date.fromisoformat(each) for each in first if each), default=None),
        min((date.fromisoformat(each) for each in last if each and each < _FOR_EVER), default=None),
    )


def _after(day: date | None, nights: int) -> date | None:
    return None if day is None else min(day, date.max - _DAY) + nights * _DAY


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
