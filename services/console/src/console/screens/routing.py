"""Screen routes: access, accepted parameters, and forms that appear again until they succeed."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode
from uuid import uuid4
from zoneinfo import ZoneInfo

from common import clock
from common.pages.form_tokens import FIELD, form_token, is_form_token
from common.words.languages import LANGUAGES, page_language
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Match, Route, Router
from starlette.types import Scope

from console.answers import Answer, Upload
from console.calls import Calls, Gateway
from console.codes import Codes
from console.commands import Command
from console.costs import Cost, Costs
from console.doings import is_id
from console.forms import OWN, TYPED, BadForm, Typed, read
from console.moments import Moments
from console.screens.kept import FORM, forget, is_number, kept, shown_again
from console.screens.renderer import draw, draw_plain
from console.screens.visit import (
    Again,
    Download,
    Elsewhere,
    NotShown,
    Outcome,
    Page,
    Refused,
    Visit,
)
from console.texts import Wording, wording
from console.uploads import read_upload
from console.visitors import Visitor, visitor_of

LANGUAGE_COOKIE = "ruta-language"
# Our own fields that are part of the command.
_KEPT = {"key", "shown", "look"}
_YEAR_SECONDS = 365 * 24 * 3600
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; "
    "worker-src 'self'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
# The API's code for requiring a recent sign-in (decision 0121).
_PROVE = "insufficient_user_authentication"
_REUSED = "idempotency_key_reused"
Show = Callable[[Visit], Awaitable[Page]]
Give = Callable[[Visit], Awaitable[Download]]
Do = Callable[[Visit], Awaitable[Outcome]]


@dataclass(frozen=True)
class Kit:
    """Components that live as long as the app."""

    gateway: Gateway
    costs: Costs
    zone: ZoneInfo
    country: str
    secure: bool
    missing_lists: Path | None = None

    def lacks_lists(self) -> bool:
        """Return whether a backup was restored without its lists and nobody has fixed that yet."""
        return self.missing_lists is not None and self.missing_lists.exists()


class _Screen(Route):
    """A Starlette route. FastAPI's routes parse parameters that pages do not have, and search twice. Like FastAPI's
    routes, it records itself in the scope for the metrics."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        if match is not Match.NONE:
            found["route"] = self
        return match, found


class Screens:
    """The screens of one capability, under `/console`."""

    def __init__(self) -> None:
        self.router = Router()
        self.commands: list[Command] = []
        self._pages: dict[Show, str] = {}

    def _add(
        self, method: str, path: str, answer: Callable[[Request], Awaitable[Response]]
    ) -> None:
        self.router.routes.append(_Screen(f"/console{path}", answer, methods=[method]))

    def page(self, path: str, *, query: tuple[str, ...] = ()) -> Callable[[Show], Show]:
        """Register a page. It accepts the parameters in `query` and rejects others."""

        def added(show: Show) -> Show:
            async def answer(request: Request) -> Response:
                return await _page(request, show, query, self.commands)

            self._add("GET", path, answer)
            self._pages[show] = "/console" + re.sub(r":\w+}", "}", path)
            return show

        return added

    def file(self, path: str, *, query: tuple[str, ...] = ()) -> Callable[[Give], Give]:
        """Register a file to download; if the file is unavailable, show a page with the reason."""

        def added(give: Give) -> Give:
            async def answer(request: Request) -> Response:
                return await _page(request, give, query)

            self._add("GET", path, answer)
            return give

        return added

    def form(
        self, path: str, *, show: Show, query: tuple[str, ...] = (), uploads: bool = False
    ) -> Callable[[Do], Do]:
        """Register a form that is submitted to `path`. If the API refuses the form, `show` shows it again with its
        text. With `uploads`, the form may include a file."""

        def added(do: Do) -> Do:
            async def answer(request: Request) -> Response:
                return await _form(request, do, show, query, self._pages.get(show), uploads=uploads)

            self._add("POST", path, answer)
            return do

        return added

    def command(
        self, page: str, command: Command, *, show: Show, to: str, query: tuple[str, ...] = ()
    ) -> None:
        """Register a form on `page` that sends one API command and has its own URL below the page. After success,
        redirect to `to`, with the page's ids and the new `id` filled in. After a refusal, show the page again."""

        async def do(visit: Visit) -> Outcome:
            answer = await carried_out(visit, command)
            if not answer.ok:
                return Refused(answer)
            made = answer.body if isinstance(answer.body, dict) else {}
            return Elsewhere(to.format(**{"id": made.get("id", ""), **visit.ids}))

        self.step(page, command, show=show, query=query)(do)

    def step(
        self, page: str, command: Command, *, show: Show, query: tuple[str, ...] = ()
    ) -> Callable[[Do], Do]:
        """Register a one-command form whose success needs more than a redirect."""
        self.commands.append(command)

        def added(do: Do) -> Do:
            async def answer(request: Request) -> Response:
                return await _form(request, do, show, query, self._pages.get(show), command=command)

            self._add("POST", f"{page}/{command.name}", answer)
            return do

        return added


async def carried_out(visit: Visit, command: Command) -> Answer:
    """Send the command as typed, on behalf of the visitor."""
    made = command.made(visit.typed, offset=visit.moments.offset)
    path = command.path.format(**visit.ids)
    return await visit.calls.send(command.method, path, made, key=visit.key)


async def _page(
    request: Request,
    show: Show | Give,
    query: tuple[str, ...],
    commands: Sequence[Command] = (),
) -> Response:
    language = language_of(request)
    asked = parse_qsl(request.url.query, keep_blank_values=True)
    wanted = next((value for name, value in asked if name == "lang"), None)
    if wanted in LANGUAGES:
        rest = [(name, value) for name, value in asked if name != "lang"]
        there = request.url.path + (f"?{urlencode(rest)}" if rest else "")
        return _in_language(request, RedirectResponse(there, 303, HEADERS), wanted)
    visitor = _visitor(request)
    if visitor is None:
        return _to_sign_in(request, language)
    cost = Cost()
    visit = _visit(request, visitor, language, query, cost)
    number = next((value for name, value in asked if name == FORM), "")
    if {name for name, _ in asked if name != FORM or not is_number(number)} - set(query):
        return _problem(visit, Answer(422, {"code": "unknown_parameter", "known": sorted(query)}))
    if number:
        visit = _as_typed(request, visit, number, commands)
    answer = await _drawn(visit, show)
    kit_of(request).costs.count(request.scope["route"].path, cost)
    return answer


def _as_typed(request: Request, visit: Visit, number: str, commands: Sequence[Command]) -> Visit:
    """Fill in the stored text of the form with this number. Without it, the page looks as usual, and submitting it
    sends the same command."""
    found = kept(request, visit.visitor.csrf, number)
    if found is None:
        return replace(visit, key=number)
    return replace(
        visit,
        typed=found.typed,
        sent=found.sent,
        key=number,
        ids={**found.ids, **visit.ids},
        command=next((one for one in commands if one.name == found.command), None),
        refusal=found.refusal,
    )


async def _form(
    request: Request,
    do: Do,
    show: Show,
    query: tuple[str, ...],
    page: str | None,
    *,
    uploads: bool = False,
    command: Command | None = None,
) -> Response:
    language = language_of(request)
    typed, upload = await _sent(request, uploads=uploads)
    visitor = _visitor(request)
    if visitor is None:
        return _session_over(request, typed, language)
    visit = _visit(request, visitor, language, query)
    visit = replace(
        visit,
        typed=typed,
        upload=upload,
        key=typed.one("key") or visit.key,
        sent=request.url.path,
    )
    if not is_form_token(typed.one(FIELD), visitor.csrf, request.url.path):
        return _not_meant(visit)
    if command is not None:  # the command's page has the parent URL
        above = visit.path.removesuffix(f"/{command.name}")
        visit = replace(visit, path=above, command=command)
    there = page and page.format(**{name: quote(one) for name, one in visit.ids.items()})
    wanted = typed.one("language_wanted")
    if wanted in LANGUAGES:
        return _in_language(
            request, await _again(request, _spoken(visit, wanted), show, there), wanted
        )
    try:
        return await _after(request, await do(visit), visit, show, there)
    except NotShown as refused:
        if visit.typed:
            return await _again(request, visit.again(refused.answer), show, there)
        return _not_shown(visit, refused.answer)


async def _after(
    request: Request, outcome: Outcome, visit: Visit, show: Show, page: str | None
) -> Response:
    if isinstance(outcome, Elsewhere):
        answer = RedirectResponse(outcome.path, 303, HEADERS)
        forget(request, answer, page or visit.path)
        return answer
    if isinstance(outcome, Page):
        return _html(draw(visit, outcome, once=True), visit.language, outcome.status)
    if isinstance(outcome, Again):
        return await _again(request, visit, show, page)
    if outcome.answer.code == _PROVE:
        return _prove(visit)
    if (
        outcome.answer.code == _REUSED
    ):  # the page shows the conflict; resubmitting is another command
        visit = replace(visit, key=str(uuid4()))
    return await _again(request, visit.again(outcome.answer), show, page)


async def _again(request: Request, visit: Visit, show: Show, page: str | None) -> Response:
    """Show the form with its text at its own URL, so that neither Back nor a reload resubmits it. If the text is too
    long for a cookie, show it in the response itself."""
    if page is not None:
        answer = shown_again(visit, page, secure=kit_of(request).secure)
        if answer is not None:
            answer.headers.update(HEADERS)
            return answer
    return await _drawn(visit, show)


async def _sent(request: Request, *, uploads: bool) -> tuple[Typed, Upload | None]:
    kind = request.headers.get("content-type", "")
    try:
        if uploads and kind.startswith("multipart/form-data"):
            return await read_upload(request)
        return read(kind, await request.body() if kind.startswith(TYPED) else b""), None
    except BadForm:
        return Typed(), None


async def _drawn(visit: Visit, show: Show | Give) -> Response:
    try:
        page = await show(visit)
    except NotShown as refused:
        return _not_shown(visit, refused.answer)
    if isinstance(page, Download):
        return _download(page)
    if page.refusal is not None:
        visit = visit.again(page.refusal)
    status = visit.refusal.status if visit.refusal is not None else page.status
    return _html(draw(visit, page), visit.language, status)


def _not_shown(visit: Visit, answer: Answer) -> Response:
    """Keep the text of a form whose page cannot be shown. If a service did not respond, the visitor can resubmit it
    with the command's key; otherwise they can copy it."""
    if not visit.typed or (answer.answered and not _readable(visit.typed, visit.say)):
        return _problem(visit, answer)
    why = "refused" if answer.answered else "over" if answer.status == 401 else "away"
    whose = None if why == "over" else visit.visitor
    status = answer.status if answer.answered else None
    return _resend(visit.sent, visit.typed, visit.language, why, whose, status=status)


def _problem(visit: Visit, answer: Answer) -> Response:
    """Show the reason without the requested URL."""
    family = "5xx" if answer.status >= 500 else str(answer.status)
    said = answer.body if isinstance(answer.body, dict) else {}
    page = Page(
        "templates/problem.html",
        "title.problem",
        {
            "status": answer.status,
            "heading": visit.say.known(f"status.{family}", "status.4xx"),
            "remedy": _remedy(visit, answer),
            "fresh": answer.code == _PROVE,
            "unknown": answer.code == "unknown_parameter",
            "known": said.get("known") or (),
            "request_id": answer.request_id or visit.calls.request_id,
        },
    )
    return _html(draw(visit, page), visit.language, answer.status)


def _remedy(visit: Visit, answer: Answer) -> str:
    """Return advice based only on the status code, because a page that is not shown must not reveal its subject."""
    known = {401, 403, 404, 410, 422, 429}
    family = str(answer.status) if answer.status in known else "4xx"
    remedy = f"remedy.{'5xx' if answer.status >= 500 else family}"
    if answer.code in {"not_found", "unauthenticated", "internal"}:
        return visit.say(remedy)
    return visit.say.known(f"problem.{answer.code}", remedy)


def _session_over(request: Request, typed: Typed, language: str) -> Response:
    """Return 401 with the typed text, which the visitor can submit after signing in again in another tab."""
    return _resend(request.url.path, typed, language, "over", None)


def _not_meant(visit: Visit) -> Response:
    """Return 403 with the typed text, for example if the form is from an earlier sign-in. The current visitor can
    submit it."""
    return _resend(visit.sent, visit.typed, visit.language, "other", visit.visitor)


def _prove(visit: Visit) -> Response:
    """Return 401 with the typed text, before the API has done anything. The visitor can submit it after a new sign-in
    in another tab."""
    return _resend(visit.sent, visit.typed, visit.language, "fresh", visit.visitor)


_LEFT_AFTER = 15 * 60
"""Seconds until a screen counts as abandoned, if the front did not tell when the session ends."""
_STATUS = {"over": 401, "fresh": 401, "other": 403, "away": 503}


def _resend(
    path: str,
    typed: Typed,
    language: str,
    why: str,
    whose: Visitor | None,
    *,
    status: int | None = None,
) -> Response:
    """Show the typed text. `whose` is the person who can submit it from here, or None if their session has ended."""
    kept = [(name, value) for name, value in typed.pairs if name not in OWN - _KEPT]
    say = wording(language)
    html = draw_plain(
        "templates/resend.html",
        say,
        "title.resend",
        path,
        kept=kept,
        readable=_readable(typed, say),
        token=form_token(whose.csrf, path) if whose else "",
        why=why,
        who=whose.sign_in_name if whose else "",
        seconds=(whose.idle_in if whose else 0) or _LEFT_AFTER,
    )
    return _html(html, language, status or _STATUS[why])


def _readable(typed: Typed, say: Wording) -> list[tuple[str, str]]:
    """Return what somebody typed and chose, without the ids that the page itself submits."""
    return [
        (say.label(name), _in_words(say, name, value))
        for name, value in typed.pairs
        if name not in OWN and value.strip() and not is_id(value)
    ]


_CHOICES = (
    "word", "item", "method", "rule", "decider", "assent", "sex", "caregiver", "urgency", "judgement",
    "exploitation", "capacity", "case_word", "role",
)  # fmt: skip
"""Prefixes of the texts of codes that forms offer."""
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")


def _in_words(say: Wording, name: str, value: str) -> str:
    """Return a typed value unchanged, or the label of a chosen code or button."""
    form, _, last = name.removesuffix("[]").rpartition("/")
    exact = (f"value.{name}.{value}", f"code.{form}.{value}", f"code.{last}.{value}")
    keys = (*exact, *(f"{each}.{value}" for each in _CHOICES))
    if (key := next((each for each in keys if say.has(each)), None)) is not None:
        return say(key)
    if _CODE.fullmatch(value):
        return say("resend.chosen")
    codes, code = Codes(say.language), value.partition("|")[0]  # the need comes first
    known = (
        codes.place(code),
        codes.need(code),
        codes.spoken(code) if last == "languages" else code,
    )
    return next((words for words in known if words != code), value)


def _html(html: str, language: str, status: int) -> HTMLResponse:
    return HTMLResponse(html, status, headers={**HEADERS, "Content-Language": language})


def _download(file: Download) -> Response:
    how = "inline" if file.policy else "attachment"
    kept = {"Content-Disposition": f'{how}; filename="{file.name}"'}
    if file.policy:
        kept["Content-Security-Policy"] = file.policy
    return Response(file.content, headers={**HEADERS, **kept}, media_type=file.media_type)


def _visitor(request: Request) -> Visitor | None:
    return visitor_of(request.state.principal, request.headers)


def _visit(
    request: Request,
    visitor: Visitor,
    language: str,
    query: tuple[str, ...],
    cost: Cost | None = None,
) -> Visit:
    kit = kit_of(request)
    asked: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.url.query):
        if name in query:
            asked.setdefault(name, []).append(value)
    number = request.headers.get("x-request-id", "")
    calls = Calls(kit.gateway, visitor.token, language, number, cost or Cost())
    return Visit(
        visitor,
        calls,
        language,
        wording(language),
        Moments(language, kit.zone, clock.now().astimezone(UTC)),
        request.url.path,
        ids={name: str(value) for name, value in request.path_params.items()},
        query={name: tuple(values) for name, values in asked.items()},
        country=kit.country,
        lacks_lists=kit.lacks_lists(),
    )


def _spoken(visit: Visit, language: str) -> Visit:
    moments = replace(visit.moments, language=language)
    return replace(visit, language=language, say=wording(language), moments=moments)


def kit_of(request: Request) -> Kit:
    kit: Kit = request.app.state.kit
    return kit


def language_of(request: Request) -> str:
    return page_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
    )


def _in_language(request: Request, response: Response, language: str) -> Response:
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=_YEAR_SECONDS,
        path="/",
        secure=kit_of(request).secure,
        httponly=True,
        samesite="lax",
    )
    return response


def _to_sign_in(request: Request, language: str) -> Response:
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = f"/session/start?return_to={quote(there, safe='/')}&ui_locales={language}"
    return RedirectResponse(address, 303, HEADERS)
