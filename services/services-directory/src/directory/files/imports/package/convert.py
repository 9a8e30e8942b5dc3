"""Converts a package row's field to its HSDS value. Pure. An invalid value is dropped with a note, because one bad
opening time must not exclude a service."""

import re
from collections.abc import Callable
from datetime import datetime, time
from functools import cache, partial
from typing import Any

from common import json_once
from common.tables_io.cells import is_formula, unguarded
from common.words import codelists
from common.words.places import folded

from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.package.fields import Field
from directory.files.imports.values import cells
from directory.files.imports.values.opening_hours import UnreadableHoursError, clock, weekdays
from directory.ground.hsds.base import PROGRAMS
from directory.ground.hsds.opening_hours import BYDAY

_SCHEME = re.compile(rf"(?!(?i:{'|'.join(PROGRAMS)}))[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>\"{{}}|\\^`]+")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?:[:.]\d{2})?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_DEGREES = {"latitude": 90, "longitude": 180}
_STATUSES = {
    "open": "active",
    "current": "active",
    "abierto": "active",
    "activo": "active",
    "inactivo": "inactive",
    "closed": "defunct",
    "cerrado": "defunct",
    "suspended": "temporarily closed",
    "temporarily closed": "temporarily closed",
    "suspendido": "temporarily closed",
}


def value_of(field: Field, raw: str, place: str, notes: list[Note]) -> Any:
    """Return the value, or None if it is empty or unusable. `place` identifies the cell in the notes."""
    text = raw if raw[:1].isalnum() and cells.is_tidy(raw) else _cleaned(raw, place, notes)
    if not text:
        return None
    if field.name == "byday":
        return _weekdays(text, place, notes)
    if field.name == "visibility":
        return _level(text, place, notes)
    if field.name == "categories":
        return _codes(text, place, notes)
    if field.name in _DEGREES:
        return _degrees(text, place, notes, _DEGREES[field.name])
    if field.type.startswith("enum:"):
        return _chosen(field, text, place, notes)
    return _READERS.get(field.type, _as_it_is)(text, place, notes)


def _cleaned(raw: str, place: str, notes: list[Note]) -> str:
    given = unguarded(raw)
    if given == raw and is_formula(raw):
        notes.append(note("formula", place, raw))
        return ""
    return cells.text(given, place, notes)


def _weekdays(text: str, place: str, notes: list[Note]) -> str | None:
    """Return RFC 5545 weekdays, as given (`1MO,-1FR`) or parsed from words ("Monday - Friday")."""
    if BYDAY.fullmatch(text.upper().replace(" ", "")):
        return text.upper().replace(" ", "")
    try:
        read = ",".join(weekdays(text))
    except UnreadableHoursError:
        notes.append(note("value_unreadable", place, text))
        return None
    notes.append(note("time_read_as", place, text, read))
    return read


def _level(text: str, place: str, notes: list[Note]) -> str:
    """Return a row's level. An unknown word refuses the row, as in a sheet. The word stays in the document, so that
    nothing treats the row as open."""
    known = codelists.visibility_levels().codes
    found = folded(text)
    if found in known:
        return found
    notes.append(note("value_unknown", place, text, ", ".join(known)))
    return text


def _degrees(text: str, place: str, notes: list[Note], most: int) -> float | int | None:
    found = _number(text, place, notes)
    if found is None or abs(found) <= most:
        return found
    notes.append(note("coordinates_invalid", place, text))
    return None


def _as_it_is(text: str, _place: str, _notes: list[Note]) -> str:
    return text


def _uri(text: str, place: str, notes: list[Note]) -> str | None:
    if _SCHEME.fullmatch(text):
        return text
    return cells.url(text, place, notes) or None


def _email(text: str, place: str, notes: list[Note]) -> str | None:
    return cells.email(text, place, notes) or None


def _number(text: str, place: str, notes: list[Note]) -> float | int | None:
    found = cells.number(text, place, [])
    if found is None:
        notes.append(note("number_dropped", place, text))
        return None
    return int(found) if found.is_integer() else found


def _date(text: str, place: str, notes: list[Note]) -> str | None:
    found = cells.day(text, place, notes)
    return found.isoformat() if found else None


def _instant(text: str, place: str, notes: list[Note]) -> str | None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return _date(text, place, notes)
    return text


def _time(text: str, place: str, notes: list[Note]) -> str | None:
    try:
        time.fromisoformat(text)
    except ValueError:
        match = _CLOCK.fullmatch(text)
    else:
        return text.removesuffix(":00") if len(text) == len("08:00:00") else text
    try:
        read = clock(*match.groups()) if match else None
    except UnreadableHoursError:
        read = None
    notes.append(
        note("time_read_as", place, text, read) if read else note("hours_unreadable", place, text)
    )
    return read


def _structure(text: str, place: str, notes: list[Note], kind: type) -> Any:
    try:
        found = json_once.loads(text)
    except (ValueError, RecursionError):
        found = None
        notes.append(note("row_invalid", place, "JSON"))
    else:
        if found is not None and not isinstance(found, kind):
            found = None
            notes.append(note("row_invalid", place, text))
    return found


def _codes(text: str, place: str, notes: list[Note]) -> Any:
    """Return a list of texts. Refuse other lists here, because code lists compare the value before the schema check."""
    found = _structure(text, place, notes, list)
    if any(isinstance(each, list | dict) for each in found or ()):
        notes.append(note("row_invalid", place, text))
        return None
    return found


@cache
def _by_folded(field: Field) -> dict[str, str]:
    return {folded(each): each for each in field.allowed}


def _chosen(field: Field, text: str, place: str, notes: list[Note]) -> str | None:
    if text in field.allowed:
        return text
    if (exact := _by_folded(field).get(folded(text))) is not None:
        return exact
    if field.name == "status":
        # An unknown status counts as inactive, so that nobody is referred to a closed service.
        status = _STATUSES.get(folded(text), "inactive")
        notes.append(note("status_mapped", place, text, status))
        return status
    notes.append(note("value_unmapped", place, text))
    return None


_READERS: dict[str, Callable[[str, str, list[Note]], Any]] = {
    "uri": _uri,
    "email": _email,
    "number": _number,
    "date": _date,
    "datetime": _instant,
    "time": _time,
    "array": partial(_structure, kind=list),
    "object": partial(_structure, kind=dict),
}
