"""Converts days and times that people type (28/11/2026, 2:30 pm) to the API's format. Pure. Other text stays as typed,
so that the API reports the error at its field."""

import re
from datetime import date, time

from common.words import conventions
from common.words.languages import LANGUAGES

_DAY = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4})")
_NAMED = re.compile(r"(\d{1,2})\s+(?:de\s+)?([a-zé]+)\.?\s+(?:del?\s+)?(\d{4})", re.IGNORECASE)
_MONTHS = {
    name[:3].lower(): number
    for language in LANGUAGES
    for number, name in enumerate(conventions.month_names(language), 1)
}
_CLOCK = re.compile(
    r"(\d{1,2})(?:\s*[:.h]\s*(\d{2}))?\s*(?:([ap])\.?\s*m\.?|h|hrs?|horas)?", re.IGNORECASE
)


def day(text: str) -> str:
    """Return 2026-11-28 for 28/11/2026, 28-11-2026, 28.11.2026, 28 nov 2026 or 28 de noviembre de 2026."""
    found = _DAY.fullmatch(text.strip()) or _NAMED.fullmatch(text.strip())
    if found is None:
        return text
    try:
        month = _MONTHS.get(found[2][:3].lower()) or int(found[2])
        return date(int(found[3]), month, int(found[1])).isoformat()
    except ValueError:
        return text


def clock(text: str) -> str:
    """Return 14:30 for 14:30, 14.30, 14h30, 2:30 pm or 2 p. m."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return text
    hour, half = int(found[1]), (found[3] or "").lower()
    if half and not 1 <= hour <= 12:
        return text
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    try:
        return f"{time(hour, int(found[2] or 0)):%H:%M}"
    except ValueError:
        return text


def moment(text: str) -> str:
    """Return 2026-11-28T14:30 for a day followed by a time."""
    parts = text.strip().replace("T", " ").replace(",", " ").split(maxsplit=1)
    if len(parts) < 2:
        return day(text)
    return f"{day(parts[0])}T{clock(parts[1])}"


def written(text: str | None) -> str:
    """Return a day from the API as people type it; leave other text unchanged."""
    try:
        return f"{date.fromisoformat(text or ''):%d/%m/%Y}"
    except ValueError:
        return text or ""
