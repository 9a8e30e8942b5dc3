"""Draws the line's pages: Spanish and English, no scripts, nothing from elsewhere."""

from dataclasses import dataclass
from functools import cache
from typing import Any

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
    """What a person had typed: it is shown again when something was missing."""

    kind: str = ""
    text: str = ""
    area: str = ""
    urgent: bool = False
    wants_case: bool = False


@dataclass(frozen=True)
class Page:
    """One page in one language. `problem` and `done` are codes of texts."""

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
            day=lambda at: whole_date(at, self.language),
            **values,
        )
        return page_response(html, language=self.language, status=status)


@cache
def states(country: str) -> tuple[Place, ...]:
    return tuple(sorted(Places.load().at_level(_STATE_LEVEL, country), key=lambda p: p.name))


def texts(language: str) -> dict[str, str]:
    return page_texts(_PACKAGE, language)
