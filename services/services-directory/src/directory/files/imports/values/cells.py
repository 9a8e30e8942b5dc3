"""Reads single values from files: text in a wrong encoding, numbers, dates, addresses. Each function receives the
column's name and a list to which it adds notes; it never raises."""

import math
import re
import unicodedata
from contextlib import suppress
from datetime import date, datetime

from common.unseen import TURNING
from common.words.places import Point, kilometres

from directory.files.imports.outcomes.notes import Note, note

MAX_TEXT = 20_000
TIDY_CHARACTERS = "!-~áéíóúñüÁÉÍÓÚÑÜ¿¡"
"""Characters that need no cleaning, if only single spaces separate them."""
_TIDY = re.compile(f"[{TIDY_CHARACTERS}]+(?: [{TIDY_CHARACTERS}]+)*")
_SPACES = re.compile(r"[^\S\n]+")
_CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f{TURNING}\ud800-\udfff]")
_MOJIBAKE = re.compile("[ÂÃâ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ¡-¿]")
LONGEST_EMAIL = 320
"""Characters (RFC 5321). The pattern's time is quadratic in the length."""
EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[^\s<>\"{}|\\^`]*)?", re.IGNORECASE)
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d", "%d/%m/%y")


def text(value: object, column: str, notes: list[Note]) -> str:
    """Return clean text, or '' with a `refused` note if the text is too long."""
    if value is None:
        return ""
    raw = str(value)
    if is_tidy(raw):
        return raw
    cleaned = _repaired(raw, column, notes)
    if _CONTROL.search(cleaned):
        cleaned = _CONTROL.sub("", cleaned)
        notes.append(note("control_characters", column))
    cleaned = unicodedata.normalize("NFC", cleaned.replace("\r\n", "\n").replace("\r", "\n"))
    cleaned = "\n".join(_SPACES.sub(" ", line).strip() for line in cleaned.split("\n")).strip()
    if len(cleaned) > MAX_TEXT:
        notes.append(note("too_long", column, after=MAX_TEXT))
        return ""
    return cleaned


def is_tidy(raw: str) -> bool:
    """Return whether the cell needs no cleaning. Most cells need none."""
    return len(raw) <= MAX_TEXT and _TIDY.fullmatch(raw) is not None


def _repaired(raw: str, column: str, notes: list[Note]) -> str:
    """Undo UTF-8 that was decoded as Windows-1252 (`SeguÃ­n`), if that works for the whole text."""
    if not _MOJIBAKE.search(raw):
        return raw
    try:
        repaired = raw.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return raw
    notes.append(note("encoding_repaired", column, raw, repaired))
    return repaired


def number(value: object, column: str, notes: list[Note]) -> float | None:
    """Return a finite number; a decimal comma counts as a point. Otherwise refuse the cell."""
    raw = str(value).strip() if value is not None else ""
    if not raw:
        return None
    candidate = raw.replace(" ", "")
    if "," in candidate and "." not in candidate:
        candidate = candidate.replace(",", ".")
    try:
        found = float(candidate)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        notes.append(note("number_unreadable", column, raw))
        return None
    return found


def age(value: object, column: str, notes: list[Note]) -> int | None:
    """Return an age in whole years, from 0 to 130."""
    found = number(value, column, notes)
    if found is None:
        return None
    if not found.is_integer() or not 0 <= found <= 130:
        notes.append(note("number_unreadable", column, value))
        return None
    return int(found)


def day(value: object, column: str, notes: list[Note]) -> date | None:
    """Return a date. Accept ISO dates and, as in Spanish, dates with the day first. Drop an unreadable date with a
    note."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raw = str(value).strip() if value is not None else ""
    if not raw:
        return None
    if _ISO_DAY.fullmatch(raw):
        with suppress(ValueError):
            return date.fromisoformat(raw)
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(raw[:10] if form == "%Y-%m-%d" else raw, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            continue
    notes.append(note("date_unreadable", column, raw))
    return None


def email(value: str, column: str, notes: list[Note]) -> str:
    found = value.removeprefix("mailto:")
    if found and (len(found) > LONGEST_EMAIL or not EMAIL.fullmatch(found)):
        notes.append(note("email_unreadable", column, value))
        return ""
    return found


def url(value: str, column: str, notes: list[Note]) -> str:
    if not value or _URL.fullmatch(value):
        return value
    if _BARE_HOST.fullmatch(value):
        completed = f"https://{value}"
        notes.append(note("url_completed", column, value, completed))
        return completed
    notes.append(note("url_unreadable", column, value))
    return ""


_FARTHEST_KM = 1_000
"""The largest distance from the place's label point, more than half of the widest state. A swapped pair of Venezuela is
still in range, but lies in the Antarctic sea."""


def coordinates(
    latitude: float | None,
    longitude: float | None,
    column: str,
    notes: list[Note],
    near: Point | None = None,
) -> tuple[float, float] | None:
    """Return (latitude, longitude) in WGS 84 degrees. Swap a pair that fits only the other way round. Drop half a pair,
    0/0, values out of range and points far from `near`, the row's place."""
    if latitude is None and longitude is None:
        return None
    shown = f"{latitude}, {longitude}"
    if latitude is not None and longitude is not None and (latitude, longitude) != (0, 0):
        if _fits(latitude, longitude, near):
            return latitude, longitude
        if _fits(longitude, latitude, near):
            notes.append(note("coordinates_swapped", column, shown, f"{longitude}, {latitude}"))
            return longitude, latitude
        if _fits(latitude, longitude, None):
            notes.append(note("coordinates_elsewhere", column, shown, f"{_FARTHEST_KM} km"))
            return None
    notes.append(note("coordinates_invalid", column, shown))
    return None


def _fits(latitude: float, longitude: float, near: Point | None) -> bool:
    if abs(latitude) > 90 or abs(longitude) > 180:
        return False
    return near is None or kilometres(Point(latitude, longitude), near) <= _FARTHEST_KM
