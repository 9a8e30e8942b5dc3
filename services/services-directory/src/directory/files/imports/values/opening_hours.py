"""Parses opening hours from cells into HSDS schedules, and writes them back. Examples: `lun-vie 08:00-16:00; sáb
09:00-12:00`, `Mon-Fri 8am-4pm`, `24/7`. Pure; no calendar beyond weeks."""

import re
from typing import Any

from common.words.languages import page_language
from common.words.places import folded

from directory.files.imports.values.cell_words import cell_words
from directory.ground.hsds.opening_hours import DAY_NAMES, DAYS, Weekday

_DAY_OF: dict[str, Weekday] = {name: day for day in DAYS for name in cell_words()[day]}
_CLOCK = r"(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](?:\d{2}))?\s*([ap]\.?\s?m\.?)?"
_HOURS = re.compile(
    rf"{_CLOCK}\s*(?:-|–|—|a|to|hasta|until)\s*{_CLOCK}\s*(?:h|hrs?)?$", re.IGNORECASE
)
_FILLER = re.compile(r"^(?:de|from)\b|\b(?:de|from)$", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:-|–|—|\ba\b|\bto\b)\s*")
_LONGEST = 500
"""Characters of the days of a line. A pattern's time is quadratic and blocks the process: a cell of 20,000 line breaks
took a minute."""
_LIST = re.compile(r"\s*(?:,|/|\by\b|\band\b|&)\s*")


class UnreadableHoursError(ValueError):
    """The text is not opening hours; it becomes the schedule's description instead."""


def parse(text: str) -> list[dict[str, Any]]:
    """Return HSDS schedules (`freq`, `byday`, `opens_at`, `closes_at`). Raise UnreadableHoursError if the text is not
    opening hours."""
    if folded(text) in cell_words()["always"]:
        return [_weekly(DAYS, "00:00", "23:59")]
    parts = [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]
    if not parts:
        raise UnreadableHoursError(text)
    return [_period(part) for part in parts]


def _period(part: str) -> dict[str, Any]:
    found = _HOURS.search(part)
    if found is None:
        raise UnreadableHoursError(part)
    days = _days(_FILLER.sub("", part[: found.start()].strip(" :,.")).strip(" :,."))
    opens = clock(*found.group(1, 2, 3))
    closes = clock(*found.group(4, 5, 6))
    if closes <= opens:
        raise UnreadableHoursError(part)
    return _weekly(days, opens, closes)


def _weekly(days: tuple[str, ...], opens: str, closes: str) -> dict[str, Any]:
    return {"freq": "WEEKLY", "byday": ",".join(days), "opens_at": opens, "closes_at": closes}


def clock(hour: str, minute: str | None, half: str | None) -> str:
    """Return `HH:MM` on the 24-hour clock. Read `13:00pm` as 13:00; raise UnreadableHoursError for other invalid
    times."""
    hours, minutes = int(hour), int(minute or 0)
    mark = (half or "").replace(".", "").replace(" ", "").lower()
    if mark == "pm" and hours < 12:
        hours += 12
    if mark == "am" and hours == 12:
        hours = 0
    if hours == 24 and minutes == 0:
        hours, minutes = 23, 59
    if hours > 23 or minutes > 59:
        raise UnreadableHoursError(f"{hour}:{minute or '00'}{half or ''}")
    return f"{hours:02}:{minutes:02}"


def weekdays(text: str) -> tuple[str, ...]:
    """Return weekday codes for "Monday - Friday" or "lun, mié". Raise UnreadableHoursError for anything else."""
    if not text.strip():
        raise UnreadableHoursError(text)
    return _days(text)


def weekday(text: str) -> Weekday | None:
    """Return the weekday with this name or number (Monday is 1)."""
    name = folded(text)
    return DAYS[int(name) - 1] if name in set("1234567") else _DAY_OF.get(name)


def _days(text: str) -> tuple[str, ...]:
    if len(text) > _LONGEST:
        raise UnreadableHoursError(text)
    if folded(text) in cell_words()["every_day"]:
        return DAYS
    found: list[str] = []
    for part in _LIST.split(text):
        ends = [_day(name) for name in _RANGE.split(part, maxsplit=1)]
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        span = range(first, last + 1) if first <= last else (*range(first, 7), *range(last + 1))
        found.extend(DAYS[index] for index in span)
    return tuple(day for day in DAYS if day in found)


def _day(name: str) -> str:
    day = _DAY_OF.get(folded(name))
    if day is None:
        raise UnreadableHoursError(name)
    return day


def shown(schedules: list[dict[str, Any]], language: str = "es") -> str:
    """Return the cell text for weekly schedules, which `parse` can read back. Omit other schedules and those for
    certain dates only, because `parse` would read them as hours of every day."""
    return "; ".join(
        f"{_days_shown(each['byday'], language)} {each['opens_at'][:5]}-{each['closes_at'][:5]}"
        for each in schedules
        if each.get("freq") == "WEEKLY"
        and set(each.get("byday", "").split(",")) <= set(DAYS)
        and each.get("opens_at")
        and each.get("closes_at")
        and each.get("interval", 1) == 1
        and not any(each.get(day) for day in ("valid_from", "valid_to", "dtstart", "until"))
    )


def _days_shown(byday: str, language: str) -> str:
    names = dict(zip(DAYS, DAY_NAMES[page_language(language, None)], strict=True))
    days = [day for day in DAYS if day in byday.split(",")]
    indices = [DAYS.index(day) for day in days]
    if len(days) > 2 and indices == list(range(indices[0], indices[-1] + 1)):
        return f"{names[days[0]]}-{names[days[-1]]}"
    return ", ".join(names[day] for day in days)
