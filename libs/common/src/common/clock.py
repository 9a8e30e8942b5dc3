"""The only clock, and the only module that turns a moment into a day. Rules take `now` or `today` as an argument.

People live by local days: a consent, a deadline or a birthday begins or ends at local midnight (`today`, `day_of`,
`begins`, `ends`). Counts and publications use days in UTC (`utc_day`), so that a rebuild reproduces them in any time
zone. No other module turns moments into days (`tests/common/test_days.py`).

Tests shift the clock inside a process with `shifted`. The embedded stack shifts real processes with a file that
contains seconds (`RUTA_CLOCK_FILE`), so that a test can see a three-day timer fire.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

HOME_TIMEZONE = "America/Caracas"
"""The local time zone unless `live_in` sets another."""


class _Offset:
    def __init__(self) -> None:
        self.shift = timedelta(0)
        self.file: Path | None = None

    def current(self) -> timedelta:
        if self.file is None:
            return self.shift
        try:
            return self.shift + timedelta(seconds=float(_read(self.file) or 0))
        except (FileNotFoundError, ValueError):  # missing, or only half written
            return self.shift


def _read(file: Path) -> bytes:
    """Read the file with low-level calls, because every clock reading does this. They take a third of the time of
    `read_text`."""
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
    """Return the current moment in UTC, with a time zone."""
    return datetime.now(UTC) + _offset.current()


def live_in(timezone: str) -> None:
    """Set the local time zone (IANA). Each process calls this once at startup."""
    _home.zone = ZoneInfo(timezone)


def today() -> date:
    """Return today's local date."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """Return the local date of a moment with a time zone."""
    return _in(_home.zone, moment).date()


def at_home() -> datetime:
    """Return the local time without a zone, for hours of the week."""
    return _in(_home.zone, now()).replace(tzinfo=None)


def begins(day: date) -> datetime:
    """Return the first moment of a local day, in UTC."""
    return _in(UTC, datetime.combine(day, time.min, _home.zone))


def ends(day: date) -> datetime:
    """Return the last moment of a local day, in UTC."""
    return _in(UTC, datetime.combine(day, time.max, _home.zone))


def utc_day(moment: datetime) -> date:
    """Return the UTC date, for daily counts and for data with UTC dates."""
    return _in(UTC, moment).date()


def _in(zone: tzinfo, moment: datetime) -> datetime:
    """Convert to the zone. At the limits of the calendar, which some systems send for "never", keep the clock time
    unchanged."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.replace(tzinfo=zone)


def follow(file: Path | None) -> None:
    """Add the number of seconds in `file` to every clock reading. `None` turns this off."""
    _offset.file = file


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Shift this process's clock by `by` for the duration of the block."""
    _offset.shift += by
    try:
        yield
    finally:
        _offset.shift -= by
