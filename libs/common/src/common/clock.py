"""The one clock, and the one place that says what day it is. Rules take `now` or `today` as an argument.

People live by days at home: a consent, a deadline, a birthday ends or comes with the midnight there (`today`,
`day_of`, `begins`, `ends`). What is counted and published keeps to days in UTC (`utc_day`), which a rebuild finds
again wherever home is. Nothing else makes a day of a moment (`tests/common/test_days.py`).

Tests shift it inside a process with `shifted`; the embedded stack shifts real processes with a
file of seconds (`RUTA_CLOCK_FILE`), so that a three-day timer can be seen to fire in a test.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

HOME_TIMEZONE = "America/Caracas"
"""Where the people are until `live_in` says otherwise."""


class _Offset:
    def __init__(self) -> None:
        self.shift = timedelta(0)
        self.file: Path | None = None

    def current(self) -> timedelta:
        if self.file is None:
            return self.shift
        try:
            return self.shift + timedelta(seconds=float(_read(self.file) or 0))
        except (FileNotFoundError, ValueError):  # not written yet, or half written
            return self.shift


def _read(file: Path) -> bytes:
    """Read with each look at the clock, so by the plainest calls: a third of what `read_text` takes."""
    opened = os.open(file, os.O_RDONLY)
    try:
        return os.read(opened, 64)
    finally:
        os.close(opened)


class _Home:
    def __init__(self) -> None:
        self.zone = ZoneInfo(HOME_TIMEZONE)


_offset = _Offset()
_home = _Home()


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC) + _offset.current()


def live_in(timezone: str) -> None:
    """Set the time zone (IANA) of all days. Each process calls it once, at its start."""
    _home.zone = ZoneInfo(timezone)


def today() -> date:
    """The present day at home."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The day that an aware moment belongs to at home."""
    return _in(_home.zone, moment).date()


def at_home() -> datetime:
    """The local time at home, without a zone: for hours of the week."""
    return _in(_home.zone, now()).replace(tzinfo=None)


def begins(day: date) -> datetime:
    """Its first moment at home, in UTC."""
    return _in(UTC, datetime.combine(day, time.min, _home.zone))


def ends(day: date) -> datetime:
    """Its last moment at home, in UTC."""
    return _in(UTC, datetime.combine(day, time.max, _home.zone))


def utc_day(moment: datetime) -> date:
    """The day in UTC: for counts by day, and for data whose day is one in UTC."""
    return _in(UTC, moment).date()


def _in(zone: tzinfo, moment: datetime) -> datetime:
    """At the edges of the calendar, which some write for "never", the same hands of another clock."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.replace(tzinfo=zone)


def follow(file: Path | None) -> None:
    """Add the number of seconds in `file` to every reading; `None` stops that."""
    _offset.file = file


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Move this process's clock by `by` for the length of the block."""
    _offset.shift += by
    try:
        yield
    finally:
        _offset.shift -= by
