"""The front's own pages for people, in Spanish and English and without scripts: start, errors, sign-out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from common.pages.look import EXIT_SCRIPT, PAGE_STYLE, page_policy
from common.words.languages import LANGUAGES, next_language
from common.words.tables import tree
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.front.edge.heads import Header

_SIGN_IN = "/session/start?return_to=/console"
_OF_NO_LANGUAGE = ("/docs", _SIGN_IN)
# For these statuses, the form was wrong, not the address.
_OF_WHAT_WAS_SENT = {400, 413, 422}
# Problems that a new sign-in solves, with the address for it.
_LEADS_TO_SIGN_IN = {
    "unauthenticated": _SIGN_IN,
    "sign_in_stale": _SIGN_IN,
    "insufficient_user_authentication": f"{_SIGN_IN}&fresh=true",
}
_FOR_WHO_SIGNS_IN = (_SIGN_IN, "/account")
_PAGES = Environment(
    loader=PackageLoader("gateway.front"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
_PAGES.globals |= {"style": PAGE_STYLE, "script": EXIT_SCRIPT}


@dataclass(frozen=True)
class Typed:
    """A submitted form: its path with query, and its fields."""

    address: str
    fields: Sequence[tuple[str, str]]


class PublicPages:
    """Renders the pages. `emergency` is the number to call in danger. `sign_in` tells whether people can sign in
    here."""

    def __init__(self, *, exit_url: str, emergency: str, sign_in: bool) -> None:
        self._exit_url = exit_url
        self._sign_in = sign_in
        self._start = {
            language: _start(language, exit_url, emergency, sign_in=sign_in).encode()
            for language in LANGUAGES
        }

    def start(self, language: str) -> tuple[int, list[Header], bytes]:
        caching = (b"cache-control", b"public, max-age=300")
        vary = (b"vary", b"Accept, Accept-Language")
        return 200, [*page_headers(language), caching, vary], self._start[language]

    def problem(
        self, language: str, problem: dict[str, Any], request_id: str, typed: Typed | None = None
    ) -> tuple[list[Header], bytes]:
        """Return an error page for a person, in both languages, with the person's own language first. The status
        decides which advice the page gives; a problem's details are for programs. The person can resend `typed` from
        the page. Ruta does not store it."""
        status, code = int(problem["status"]), str(problem["code"])
        ordered = [language, *(each for each in LANGUAGES if each != language)]
        said = [
            {"language": each, **_what_to_do(each, status, code, sent=typed is not None)}
            for each in ordered
        ]
        page = _render(
            "wrong.html",
            language,
            exit_url=self._exit_url,
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


def _render(name: str, language: str, **values: Any) -> str:
    values = {"t": texts()[language], "other": next_language(language), **values}
    return _PAGES.get_template(name).render(language=language, **values)


def _start(language: str, exit_url: str, emergency: str, *, sign_in: bool) -> str:
    t = texts()[language]
    number = f'<a href="tel:{emergency.replace(" ", "")}">{emergency}</a>'
    ways: dict[str, Any] = t["ways"]
    if not sign_in:
        ways = {
            part: [way for way in those if way["to"] not in _FOR_WHO_SIGNS_IN]
            for part, those in ways.items()
        }
    return _render(
        "start.html",
        language,
        t=t | {"danger_now": t["danger_now"].format(number=number)},
        exit_url=exit_url,
        here="/",
        parts=("person", "partner", "reader"),
        ways=ways,
        plain=_OF_NO_LANGUAGE,
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
    loaded: dict[str, dict[str, Any]] = tree(__package__, "texts")
    return loaded


def sign_out_page(language: str, token: str) -> tuple[list[Header], bytes]:
    """Return the sign-out page. `token` is the form's CSRF token, empty if nobody is signed in."""
    t = texts()[language]
    page = _render("sign_out.html", language, t=t | t["sign_out"], here="/session/end", token=token)
    return [*page_headers(language, script=None), (b"cache-control", b"no-store")], page.encode()
