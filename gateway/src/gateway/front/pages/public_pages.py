"""The front's own pages for people: where to begin, and what went wrong; in Spanish and English."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from common.pages.look import EXIT_SCRIPT, PAGE_STYLE, page_policy
from common.words.languages import LANGUAGES, next_language
from jinja2 import Environment, StrictUndefined

from gateway.front.wire.heads import Header

_SIGN_IN = "/session/start?return_to=/console"
_OF_NO_LANGUAGE = ("/docs", _SIGN_IN)
# The fault is not of the address, but of what was typed.
_OF_WHAT_WAS_SENT = {400, 413, 422}
# Where somebody who signs in (again) can go on.
_LEADS_TO_SIGN_IN = {
    "unauthenticated": _SIGN_IN,
    "sign_in_stale": _SIGN_IN,
    "insufficient_user_authentication": f"{_SIGN_IN}&fresh=true",
}
_FOR_WHO_SIGNS_IN = (_SIGN_IN, "/account")
HEAD = """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{{ t.tab }}</title><style>{{ style | safe }}</style></head>
<body>
<a class="skip" href="#main">{{ t.skip }}</a>
<nav class="bar" aria-label="{{ t.bar }}">
{% if here %}<a href="{{ here }}?language={{ other }}" lang="{{ other }}" hreflang="{{ other }}">{{ t.other }}</a>
{% else %}<a href="/?language={{ language }}">{{ t.start }}</a>
{% endif %}"""
"""As far as into the bar; `here`: a page that is there in the other language."""
_BODY = (
    HEAD
    + """<a class="exit" href="{{ exit_url }}" rel="noreferrer">{{ t.exit }}</a>
</nav>
<main id="main">
"""
)
_START = (
    _BODY
    + """<h1>{{ t.title }}</h1>
<p class="note alert">{{ t.danger_now | safe }}</p>
{% for part in parts %}<h2>{{ t[part] }}</h2>
<ul class="ways">
{% for way in ways[part] %}<li><a href="{{ way.to }}{{ '?language=' + language if way.to not in plain }}">{{ way.says }}</a><br>
<span class="hint">{{ way.more }}</span></li>
{% endfor %}</ul>
{% endfor %}</main>
<script>{{ script | safe }}</script></body></html>
"""
)
_WRONG = (
    _BODY
    + """{% for each in said %}<div lang="{{ each.language }}"{% if not loop.first %} class="second"{% endif %}>
<{{ "h1" if loop.first else "h2" }}>{{ each.title }}</{{ "h1" if loop.first else "h2" }}>
<p>{{ each.remedy }}</p>
{% if sign_in %}<p><a class="button" href="{{ sign_in }}&amp;ui_locales={{ each.language }}">{{ each.sign_in }}</a></p>
{% endif %}{% if loop.first and typed %}<p class="note">{{ each.kept }}</p>
<form method="post" action="{{ typed.address }}" autocomplete="off">
{% for name, value in typed.fields %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}<p><button type="submit">{{ each.again }}</button></p></form>
<details><summary>{{ each.typed }}</summary>{% for _, value in typed.fields if value %}<p class="said">{{ value }}</p>
{% endfor %}</details>
{% endif %}<p class="links"><a href="/?language={{ each.language }}">{{ each.begin }}</a><br>
<a href="/directory/v1/help?language={{ each.language }}">{{ each.help }}</a></p>
</div>
{% endfor %}<p class="hint">{{ status }} {{ code }} · {{ request_id }}</p>
</main>
<script>{{ script | safe }}</script></body></html>
"""
)


@dataclass(frozen=True)
class Typed:
    """A form as it was sent: to which path and query, with which fields."""

    address: str
    fields: Sequence[tuple[str, str]]


class PublicPages:
    """`emergency`: the number that people in danger call. `sign_in`: whether people can here."""

    def __init__(self, *, exit_url: str, emergency: str, sign_in: bool) -> None:
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        environment.globals |= {
            "style": PAGE_STYLE,
            "script": EXIT_SCRIPT,
            "exit_url": exit_url,
        }
        self._wrong = environment.from_string(_WRONG)
        self._sign_in = sign_in
        start = environment.from_string(_START)
        self._start = {
            language: _start(start, language, emergency, sign_in=sign_in).encode()
            for language in LANGUAGES
        }

    def start(self, language: str) -> tuple[int, list[Header], bytes]:
        """The page to begin at."""
        caching = (b"cache-control", b"public, max-age=300")
        vary = (b"vary", b"Accept, Accept-Language")
        return 200, [*page_headers(language), caching, vary], self._start[language]

    def problem(
        self, language: str, problem: dict[str, Any], request_id: str, typed: Typed | None = None
    ) -> tuple[list[Header], bytes]:
        """A problem detail for somebody who opened an address, in both languages, theirs first.

        It says by the status what to do: the details of a problem are for programs. `typed` can be sent again
        from it; nothing of it is kept.
        """
        status, code = int(problem["status"]), str(problem["code"])
        ordered = [language, *(each for each in LANGUAGES if each != language)]
        said = [
            {"language": each, **_what_to_do(each, status, code, sent=typed is not None)}
            for each in ordered
        ]
        page = self._wrong.render(
            language=language,
            t=texts()[language],
            here=None,
            said=said,
            sign_in=_LEADS_TO_SIGN_IN.get(code) if self._sign_in else None,
            status=status,
            code=code,
            typed=typed,
            request_id=request_id,
        )
        return page_headers(language), page.encode()


def page_headers(language: str, script: str | None = EXIT_SCRIPT) -> list[Header]:
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", language.encode()),
        (b"content-security-policy", page_policy(script=script).encode()),
        (b"x-robots-tag", b"noindex"),
    ]


def _start(template: Any, language: str, emergency: str, *, sign_in: bool) -> str:
    t = texts()[language]
    number = f'<a href="tel:{emergency.replace(" ", "")}">{emergency}</a>'
    ways: dict[str, Any] = t["ways"]
    if not sign_in:
        ways = {
            part: [way for way in those if way["to"] not in _FOR_WHO_SIGNS_IN]
            for part, those in ways.items()
        }
    return str(
        template.render(
            language=language,
            other=next_language(language),
            t=t | {"danger_now": t["danger_now"].format(number=number)},
            here="/",
            parts=("person", "partner", "reader"),
            ways=ways,
            plain=_OF_NO_LANGUAGE,
        )
    )


def _what_to_do(language: str, status: int, code: str, *, sent: bool) -> dict[str, str]:
    t = texts()[language]
    known: dict[str, dict[str, str]] = t["problems"]
    of_a_form = known["sent"] if sent and status in _OF_WHAT_WAS_SENT else None
    kind = (
        of_a_form
        or known.get(code)
        or known.get(str(status))
        or known["5xx" if status >= 500 else "4xx"]
    )
    also = ("sign_in", "begin", "help", "kept", "again", "typed")
    return {**kind, **{name: t[name] for name in also}}


@cache
def texts() -> dict[str, dict[str, Any]]:
    text = files("gateway.front.pages").joinpath("texts.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded
