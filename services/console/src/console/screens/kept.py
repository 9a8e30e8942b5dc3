"""A refused form at its own URL. A sealed cookie stores its text, so neither the URL nor the server contains it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID, uuid4

import orjson
from common.pages.form_tokens import FIELD
from common.pages.kept_forms import COOKIES, KEPT_SECONDS, kept_form, opened_form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.answers import Answer
from console.forms import Typed
from console.screens.visit import Visit

FORM = "form"
"""The parameter that identifies the form to show again, by the key of its command."""


@dataclass(frozen=True)
class Kept:
    """A kept form. `sent` is the address that received it, with its `ids`; `command` identifies the form on its
    page."""

    typed: Typed
    sent: str
    command: str
    ids: Mapping[str, str]
    refusal: Answer | None


def shown_again(visit: Visit, page: str, *, secure: bool) -> RedirectResponse | None:
    """Redirect to `page`, which shows the form with its text and the refusal. Return None if the text is too long for a
    cookie."""
    number = visit.key if is_number(visit.key) else str(uuid4())
    refusal = visit.refusal
    content = {
        "typed": [pair for pair in visit.typed.pairs if pair[0] != FIELD],
        "sent": visit.sent,
        "command": visit.command.name if visit.command is not None else "",
        "ids": dict(visit.ids),
        "refusal": refusal and [refusal.status, refusal.body, refusal.request_id],
    }
    csrf = visit.visitor.csrf
    sealed = kept_form(csrf, _place(page, number), orjson.dumps(content)) if csrf else []
    if not sealed:
        return None
    query = [(name, value) for name, values in visit.query.items() for value in values]
    answer = RedirectResponse(f"{page}?{urlencode([*query, (FORM, number)])}", 303)
    for name, part in zip(COOKIES, sealed, strict=False):
        answer.set_cookie(
            name, part, max_age=KEPT_SECONDS, path=page,
            secure=secure, httponly=True, samesite="strict",
        )  # fmt: skip
    return answer


def kept(request: Request, csrf: str, number: str) -> Kept | None:
    """Return the text of the form with this number, if this session submitted it a few minutes ago."""
    place = _place(request.url.path, number)
    first, more = ([*_cookies(request, name)] if csrf else [] for name in COOKIES)
    for sealed in [*first, *(one + another for one in first for another in more)]:
        content = opened_form(sealed, csrf, place)
        if content is not None:
            found = orjson.loads(content)
            typed = Typed([(name, value) for name, value in found["typed"]])
            refusal = Answer(*found["refusal"]) if found["refusal"] else None
            return Kept(typed, found["sent"], found["command"], found["ids"], refusal)
    return None


def forget(request: Request, answer: Response, page: str) -> None:
    """Delete the kept text after the form has succeeded."""
    for name in COOKIES:
        if any(_cookies(request, name)):
            answer.delete_cookie(name, path=page)


def is_number(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _place(page: str, number: str) -> str:
    return f"{page}\n{number}"


def _cookies(request: Request, wanted: str) -> Iterator[str]:
    """Yield all cookies of this name: a page and the pages below it can each have one."""
    for pair in request.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted:
            yield value
