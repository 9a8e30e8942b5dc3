"""Formats weekly opening hours, given as minutes of the week, in both languages."""

from collections.abc import Mapping
from functools import lru_cache

from common.words.tables import completed

from directory.ground.hsds.opening_hours import DAY_MINUTES, DAY_NAMES, WEEK_MINUTES

_WEEKDAYS = completed(
    "directory",
    {
        "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
        "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    },
)
_ALWAYS = completed("directory", {"es": "todos los días, 24 horas", "en": "every day, 24 hours"})


def time_of_week(minute: int, language: str) -> str:
    """Format a minute of the week as "lunes 08:00"."""
    day, left = divmod(minute, DAY_MINUTES)
    return f"{_WEEKDAYS[language][day]} {_clock(left)}"


@lru_cache(maxsize=5_000)
def opening_hours(spans: tuple[tuple[int, int], ...]) -> Mapping[str, str] | None:
    """Format half-open spans from Monday 00:00 as "lun–vie 08:00–16:00"; return None if there are none."""
    if not spans:
        return None
    if spans == ((0, WEEK_MINUTES),):
        return _ALWAYS
    by_day = [_of_day(day, spans) for day in range(7)]
    return {language: "; ".join(_runs(by_day, names)) for language, names in DAY_NAMES.items()}


def _of_day(day: int, spans: tuple[tuple[int, int], ...]) -> str:
    start, end = day * DAY_MINUTES, (day + 1) * DAY_MINUTES
    parts = [
        f"{_clock(max(opens, start) - start)}–{_clock(min(closes, end) - start)}"
        for opens, closes in spans
        if opens < end and closes > start
    ]
    return ", ".join(parts)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _runs(by_day: list[str], names: tuple[str, ...]) -> list[str]:
    """Group neighbouring days that have the same hours."""
    runs: list[tuple[int, int, str]] = []
    for day, hours in enumerate(by_day):
        if not hours:
            continue
        if runs and runs[-1][1] == day - 1 and runs[-1][2] == hours:
            runs[-1] = (runs[-1][0], day, hours)
        else:
            runs.append((day, day, hours))
    return [
        f"{names[first]}{'' if first == last else '–' + names[last]} {hours}"
        for first, last, hours in runs
    ]
