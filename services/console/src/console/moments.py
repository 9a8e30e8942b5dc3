"""Formats times in local time, and the time left before a deadline. Pure."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common import clock
from common.words import conventions

_MIDNIGHT = time(tzinfo=UTC)
_PAST = frozenset(
    (
        "given_on",
        "happened_on",
        "started_on",
        "completed_on",
        "certified_on",
        "as_of",
        "retrieved_on",
    )
)
_NEAR = (*range(8), 14, 30)
"""How many days from today the suggested days are."""
_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])([ab]?)")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")


@dataclass(frozen=True)
class Moments:
    """Formats times relative to `now`, which is in UTC; `zone` is the local time zone."""

    language: str
    zone: ZoneInfo
    now: datetime

    @property
    def today(self) -> str:
        """Return the local date in the form's format."""
        return self.now.astimezone(self.zone).date().isoformat()

    def near_days(self, name: str) -> list[date]:
        """Return the days that a field suggests: from today onwards, or up to today for past events. Birth dates get no
        suggestions, because nobody picks them from a short list."""
        if name.endswith("birth_date"):
            return []
        today = date.fromisoformat(self.today)
        sign = -1 if name.rpartition("/")[2] in _PAST else 1
        return [today + timedelta(days=sign * far) for far in _NEAR]

    @property
    def counted_on(self) -> str:
        """Return the day to which reporting assigns current events: in UTC, not local."""
        return clock.utc_day(self.now).isoformat()

    @property
    def offset(self) -> str:
        """Return the current local UTC offset, such as -04:00."""
        text = self.now.astimezone(self.zone).strftime("%z")
        return f"{text[:3]}:{text[3:]}"

    def local(self, text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(self.zone)

    def at(self, text: str | None) -> str:
        """Format a day and time: 27 nov, 14:30. Include the year only if it is not the current one."""
        if not text:
            return ""
        moment = self.local(text)
        same = moment.year == self.now.astimezone(self.zone).year
        return f"{self._date(moment, year=not same)}, {moment:%H:%M}"

    def due(self, text: str | None) -> str:
        """Format a deadline. Midnight in UTC means a whole day; in local time it would be the evening before."""
        if not text:
            return ""
        moment = datetime.fromisoformat(text).astimezone(UTC)
        return self.day(text) if moment.timetz() == _MIDNIGHT else self.at(text)

    def clock(self, seconds: float) -> str:
        """Format a moment, given in seconds since 1970, in local time."""
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(self.zone):%H:%M}"

    def day(self, text: str | None) -> str:
        """Format a day, or the local day of a moment. Midnight in UTC means a whole day."""
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
        """Format a reporting period as text: 16–31 October 2026 for 2026-10b. Return other texts unchanged."""
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

    def ended(self) -> list[tuple[str, str]]:
        """Return the quarters, months and half-months of the last year that have ended, in the API's format and as
        text. Newest periods come first, and longer periods come before their parts."""
        today = clock.utc_day(self.now)
        found: list[str] = []
        for back in range(13):
            year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
            whole = f"{year}-{month + 1:02}"
            if back:
                found += [*([f"{year}-Q{month // 3 + 1}"] if month % 3 == 2 else ()), whole]
                found.append(f"{whole}b")
            if back or today.day > 15:
                found.append(f"{whole}a")
        return [(code, self.period(code)) for code in found]

    def quarters(self) -> list[tuple[str, str]]:
        """Return the current quarter and the next eleven, in the API's format and as text."""
        now = date.fromisoformat(self.today)
        at = now.year * 4 + (now.month - 1) // 3
        codes = [f"{each // 4}-Q{each % 4 + 1}" for each in range(at, at + 12)]
        return [(code, self.period(code)) for code in codes]

    def number(self, value: float | str) -> str:
        """Format a number with one decimal, following local conventions."""
        return conventions.number(round(float(value), 1), self.language)

    def days_left(self, text: str) -> int | None:
        """Return the number of days until a whole-day deadline, by local date: 0 for today, negative afterwards. Return
        None for a moment."""
        moment = datetime.fromisoformat(text)
        if moment.astimezone(UTC).timetz() != _MIDNIGHT:
            return None
        return (clock.utc_day(moment) - date.fromisoformat(self.today)).days

    def hours_left(self, text: str) -> int:
        """Return the whole hours until a moment, rounded down; negative afterwards."""
        return int((datetime.fromisoformat(text) - self.now) // timedelta(hours=1))
