"""Weekly opening hours of `d`, a stored service document, in SQL. The rules are the same as in `hsds.opening`."""

from datetime import date

from directory.ground.reading.statement import Statement

_WEEK = "ruta_week_from(d.open_minutes, d.season_days, d.season_minutes, {})"


def week_from(first: date, s: Statement) -> str:
    """Return the minutes of the week in which the service is known to be open, in the seven days from `first`."""
    return _unless_usual(_WEEK.format(s.argument(first, "date")))


def coming_week(today: date, s: Statement) -> str:
    """Return these minutes for callers that know the weekday but not the date."""
    first = s.argument(today, "date")
    return _unless_usual(f"{_WEEK.format(f'{first} - 1')} * {_WEEK.format(first)}")


def in_season(today: date, s: Statement) -> str:
    """Return the condition that some hours apply today or that the hours are unknown."""
    first = s.argument(today, "date")
    return (
        "(d.season_days IS NULL OR d.hours_unread OR NOT isempty(d.open_minutes) OR EXISTS ("
        f"SELECT FROM unnest(d.season_days) AS days WHERE days && daterange({first} - 1, {first}, '[]')))"
    )


def _unless_usual(week: str) -> str:
    # Most services have the same hours every week, so they need no computation.
    return f"CASE WHEN d.season_days IS NULL THEN d.open_minutes ELSE {week} END"
