"""Renders the anonymous line's pages in Spanish and English, without scripts or external resources."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from common import clock
from common.http import drawn, page_response, page_texts, with_number
from common.words.conventions import whole_date
from common.words.places import Place, Places
from starlette.responses import HTMLResponse

from referrals.listening.line.kinds import kinds
from referrals.listening.line.schemas import MAX_TEXT
from referrals.settings import Settings

_PACKAGE = "referrals.listening.line"
_STATE_LEVEL = 1


@dataclass(frozen=True)
class Typed:
    """The typed text, shown again if a value is missing."""

    kind: str = ""
    text: str = ""
    area: str = ""
    urgent: bool = False
    wants_case: bool = False


@dataclass(frozen=True)
class Page:
    """One page in one language. `problem` and `done` are text codes."""

    language: str
    settings: Settings

    def show(
        self,
        view: str,
        *,
        status: int = 200,
        problem: str | None = None,
        done: str | None = None,
        typed: Typed | None = None,
        watch: str | None = None,
        **values: Any,
    ) -> HTMLResponse:
        t = texts(self.language)
        html = drawn(
            _PACKAGE,
            "line.html",
            self.language,
            view=view,
            switch=None if view in ("receipt", "gone") else "typed",
            here=f"/referrals/v1/line{'' if view == 'start' else '/thread'}",
            exit_url=self.settings.exit_url,
            danger_now=with_number(t["danger_now"], self.settings.emergency_number),
            problem=problem and t[problem].format(longest=MAX_TEXT),
            done=done and t[done],
            typed=typed or Typed(),
            kinds=tuple(kinds().values()),
            places=states(self.settings.home_country),
            longest=MAX_TEXT,
            watch=watch,
            day=lambda at: whole_date(at, self.language),
            **values,
        )
        return page_response(html, language=self.language, status=status)

    def watch(self, when: str, told_at: datetime | None, now: datetime) -> str:
        """Return when the people on duty are notified, without promising more. `when` is `watch` before sending and
        `told` afterwards."""
        t = texts(self.language)
        if told_at is None:
            return t[f"{when}_nobody"]
        if told_at <= now:
            return t[f"{when}_now"]
        local = told_at.astimezone(ZoneInfo(self.settings.home_timezone))
        day = whole_date(clock.day_of(told_at), self.language)
        return t[f"{when}_later"].format(day=day, time=f"{local:%H:%M}")


@cache
def states(country: str) -> tuple[Place, ...]:
    return tuple(sorted(Places.load().at_level(_STATE_LEVEL, country), key=lambda p: p.name))


def texts(language: str) -> dict[str, str]:
    return page_texts(_PACKAGE, language)
