"""Maps a Services Advisor feature's days and office hours to HSDS schedules. Pure: no I/O."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from common.words.places import folded

from directory.files.imports.advisor.vocabulary import meanings
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.values.opening_hours import UnreadableHoursError, clock
from directory.ground.hsds.opening_hours import DAYS

_TIME = re.compile(r"(\d{1,2}):(\d{2})\s*([ap]m)?", re.IGNORECASE)
_ALWAYS = frozenset({"always open", "never closed"})


def schedules_of(
    properties: Mapping[str, Any], starts: date | None, ends: date | None, notes: list[Note]
) -> list[dict[str, Any]]:
    """Return at most one schedule per set of days. Unless both times are given, the hours remain text."""
    opening = _chosen(properties.get("office open at"))
    closing = _chosen(properties.get("office close at"))
    days = _days(_chosen(properties.get("availability day")), notes)
    always = any(folded(each) in _ALWAYS for each in (*opening, *closing))
    opens = "00:00" if always else _time(opening, "Office Open at", notes, latest=False)
    closes = "23:59" if always else _time(closing, "Office close at", notes, latest=True)
    if opens and closes and closes <= opens:
        notes.append(note("hours_unreadable", "Office close at", f"{opens} – {closes}"))
        return _in_words(days, opens, closes, starts, ends)
    if opens and closes:
        return [_schedule(days, starts, ends) | {"opens_at": opens, "closes_at": closes}]
    if opens or closes:
        notes.append(note("hours_incomplete", "Office Open at", after=_words(opens, closes)))
    return _in_words(days, opens, closes, starts, ends) if days or opens or closes else []


def _schedule(days: list[str], starts: date | None, ends: date | None) -> dict[str, Any]:
    return {
        "freq": "WEEKLY",
        "byday": ",".join(days or DAYS),
        "valid_from": starts.isoformat() if starts else None,
        "valid_to": ends.isoformat() if ends else None,
    }


def _in_words(
    days: list[str], opens: str | None, closes: str | None, starts: date | None, ends: date | None
) -> list[dict[str, Any]]:
    return [_schedule(days, starts, ends) | {"description": _words(opens, closes)}]


def _words(opens: str | None, closes: str | None) -> str:
    parts = [f"opens at {opens}" if opens else "", f"closes at {closes}" if closes else ""]
    return ", ".join(filter(None, parts))


def _chosen(values: object) -> list[str]:
    if not isinstance(values, dict):
        return []
    return [str(value) for value, chosen in values.items() if chosen]


def _days(values: list[str], notes: list[Note]) -> list[str]:
    found: set[str] = set()
    for value in values:
        meaning = meanings()["availability day"].get(folded(value))
        if meaning is None:
            notes.append(note("value_unmapped", "Availability Day", value))
        else:
            found.update(day for code in meaning.codes for day in code.split(","))
    return [day for day in DAYS if day in found]


def _time(values: list[str], column: str, notes: list[Note], *, latest: bool) -> str | None:
    found: list[str] = []
    for value in values:
        match = _TIME.search(value)
        try:
            read = clock(*match.groups()) if match else None
        except UnreadableHoursError:
            read = None
        if read is None:
            notes.append(note("hours_unreadable", column, value))
            continue
        if match is not None and not _is_plain(match, read):
            notes.append(note("time_read_as", column, match.group(0), read))
        found.append(read)
    if len(found) > 1:
        kept = max(found) if latest else min(found)
        notes.append(note("times_several", column, ", ".join(sorted(found)), kept))
        return kept
    return found[0] if found else None


def _is_plain(match: re.Match[str], read: str) -> bool:
    """Return whether the time is unambiguous: `8:30am` and `13:00` are; `13:00pm` and `12:00am` need a note."""
    hour, mark = int(match.group(1)), (match.group(3) or "").lower()
    return not (mark and hour > 12) and not (mark == "am" and read.startswith("00"))
