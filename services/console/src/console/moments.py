"""Times as people read them, at home, and the time that is left. Pure."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common import clock
from common.words import conventions

_MIDNIGHT = time(tzinfo=UTC)
_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])([ab]?)")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")


@dataclass(frozen=True)
class Moments:
    """`now` in UTC; `zone` is where the people are."""

    language: str
    zone: ZoneInfo
    now: datetime

    @property
    def today(self) -> str:
        """At home, as forms take a day."""
        return self.now.astimezone(self.zone).date().isoformat()

    @property
    def counted_on(self) -> str:
        """The day on which reporting counts what happens now: in UTC, whatever the day is at home."""
        return clock.utc_day(self.now).isoformat()

    @property
    def offset(self) -> str:
        """The present offset of the home time zone, as written in times: -04:00."""
        text = self.now.astimezone(self.zone).strftime("%z")
        return f"{text[:3]}:{text[3:]}"

    def local(self, text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(self.zone)

    def at(self, text: str | None) -> str:
        """Day and time, the year only where it is another: 27 nov, 14:30."""
        if not text:
            return ""
        moment = self.local(text)
        same = moment.year == self.now.astimezone(self.zone).year
        return f"{self._date(moment, year=not same)}, {moment:%H:%M}"

    def due(self, text: str | None) -> str:
        """A deadline. One that is a day is told by its midnight in UTC, which at home is in the evening before."""
        if not text:
            return ""
        moment = datetime.fromisoformat(text).astimezone(UTC)
        return self.day(text) if moment.timetz() == _MIDNIGHT else self.at(text)

    def clock(self, seconds: float) -> str:
        """The time of the day of a moment in seconds since 1970."""
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(self.zone):%H:%M}"

    def day(self, text: str | None) -> str:
        """A day, or that of a moment at home. A midnight in UTC tells a day."""
        if not text:
            return ""
        day = date.fromisoformat(text[:10])
        if len(text) > len("2026-11-28"):
            moment = datetime.fromisoformat(text).astimezone(UTC)
            zone = UTC if moment.timetz() == _MIDNIGHT else self.zone
            day = moment.astimezone(zone).date()
        return self._date(day)

    def _date(self, day: date, *, year: bool = True) -> str:
        shown = f"{day.day} {conventions.dotted_month(day, self.language)}"
        return f"{shown} {day.year}" if year else shown

    def period(self, text: str) -> str:
        """A period of reports in words: 16–31 October 2026 for 2026-10b; as it is written, if it is no such one."""
        if (quarter := _QUARTER.fullmatch(text)) is not None:
            return conventions.quarter(int(quarter[2]), int(quarter[1]), self.language)
        if (found := _PERIOD.fullmatch(text)) is None:
            return text
        year, month, half = int(found[1]), int(found[2]), found[3]
        begins = date(year, month, 1)
        if not half:
            return conventions.month(begins, self.language)
        first, last = (1, 15) if half == "a" else (16, monthrange(year, month)[1])
        return conventions.days_of(f"{first}–{last}", begins, self.language)

    def number(self, value: float | str) -> str:
        """With one decimal, as they are written where the people are."""
        return conventions.number(round(float(value), 1), self.language)

    def days_left(self, text: str) -> int | None:
        """To a deadline that is a day, from the day at home: 0 today, negative once it is over; None for a moment."""
        moment = datetime.fromisoformat(text)
        if moment.astimezone(UTC).timetz() != _MIDNIGHT:
            return None
        return (clock.utc_day(moment) - date.fromisoformat(self.today)).days

    def hours_left(self, text: str) -> int:
        """Whole hours until then, rounded down; negative once it is over."""
        return int((datetime.fromisoformat(text) - self.now) // timedelta(hours=1))
