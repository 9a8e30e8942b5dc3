"""The anonymous line's pages: one URL to report, one to return; only forms, no scripts."""

from typing import Annotated, Any

from common import clock
from common.auth import Principal
from common.errors import CONFLICT, TOO_MANY_REQUESTS, Problem
from common.http import SWITCH, AnyQuery, Session, open_to_all, page_language, refusal_pages, router
from common.unseen import without_turning
from fastapi import Query
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from starlette.requests import Request

from referrals.errors import FORM_TOO_OLD, NO_THREAD
from referrals.ground.dependencies import ServiceSettingsOf
from referrals.listening.line import service
from referrals.listening.line.api import LineOf
from referrals.listening.line.receipts import BadForm, digits_of, in_groups
from referrals.listening.line.renderer import Page, Typed
from referrals.listening.line.schemas import MAX_TEXT, NewReport, ThreadView
from referrals.listening.line.service import Line

line_pages = router("/referrals/v1/line", ["anonymous line"])
Anyone = Annotated[Principal, open_to_all()]
Asked = Annotated[str | None, Query(alias="language", max_length=5)]

_URLENCODED = "application/x-www-form-urlencoded"
_SHOWN_AGAIN = 20_000
_SAID = {
    FORM_TOO_OLD.code: "form_too_old",
    NO_THREAD.code: "no_thread",
    TOO_MANY_REQUESTS.code: "busy",
    CONFLICT.code: "full",
}
_FORM_BODY: dict[str, Any] = {
    "requestBody": {"content": {_URLENCODED: {"schema": {"type": "object"}}}}
}

_REFUSALS = refusal_pages(400, 403, 404, 409, 415, 422, 429)


@line_pages.get("", response_class=HTMLResponse, dependencies=[AnyQuery])
async def show_start(
    request: Request,
    session: Session,
    _anyone: Anyone,
    parts: LineOf,
    settings: ServiceSettingsOf,
    asked: Asked = None,
) -> HTMLResponse:
    """Show the page to report on."""
    return await _start(_page(request, settings, asked), session, parts)


@line_pages.post(
    "",
    response_class=HTMLResponse,
    responses=_REFUSALS,
    openapi_extra=_FORM_BODY,
    dependencies=[AnyQuery],
)
async def take_report(
    *,
    request: Request,
    session: Session,
    anyone: Anyone,
    parts: LineOf,
    settings: ServiceSettingsOf,
    asked: Asked = None,
) -> HTMLResponse:
    """Store the report and show its number. A repeated form shows the same number."""
    page = _page(request, settings, asked)
    fields = await _fields(request)
    if fields is None:
        return await _start(page, session, parts, problem="files_refused", status=415)
    typed = Typed(
        kind=fields.get("kind", ""),
        text=fields.get("text", "").strip(),
        area=fields.get("area", ""),
        urgent=fields.get("urgent") == "yes",
        wants_case=fields.get("wants_case") == "yes",
    )
    form = fields.get("form", "")[:100]
    if SWITCH in fields:
        return await _start(page, session, parts, typed, form)
    if len(typed.text) > MAX_TEXT:
        return await _start(page, session, parts, typed, form, problem="too_long", status=422)
    try:
        service.refuse_accounts(anyone)
        report = _report(page, form, typed)
        receipt, until = await service.receive(session, parts, report, fields.get("website", ""))
        told_at = await service.told_at(session, parts, now := clock.now(), report)
    except ValidationError:
        return await _start(page, session, parts, typed, form, problem="missing", status=422)
    except Problem as problem:
        return await _start(
            page, session, parts, typed, problem=_said(problem), status=problem.kind.status
        )
    watch = page.watch("told", told_at, now) if report.urgent else None
    return page.show("receipt", receipt=in_groups(receipt), until=until, watch=watch)


def _report(page: Page, form: str, typed: Typed) -> NewReport:
    return NewReport(
        form=form,
        kind=typed.kind,
        text=typed.text,
        area=typed.area or None,
        urgent=typed.urgent,
        wants_case=typed.wants_case,
        language="en" if page.language == "en" else "es",
    )


@line_pages.get("/thread", response_class=HTMLResponse, dependencies=[AnyQuery])
async def show_entry(
    request: Request,
    session: Session,
    _anyone: Anyone,
    settings: ServiceSettingsOf,
    asked: Asked = None,
) -> HTMLResponse:
    """Show the page to come back on."""
    return _enter(_page(request, settings, asked))


@line_pages.post(
    "/thread",
    response_class=HTMLResponse,
    responses=_REFUSALS,
    openapi_extra=_FORM_BODY,
    dependencies=[AnyQuery],
)
async def show_thread(
    *,
    request: Request,
    session: Session,
    anyone: Anyone,
    parts: LineOf,
    settings: ServiceSettingsOf,
    asked: Asked = None,
) -> HTMLResponse:
    """Open the thread of a number, with the possible actions."""
    page = _page(request, settings, asked)
    fields = await _fields(request)
    if fields is None:
        return _enter(page, problem="files_refused", status=415)
    receipt = digits_of(fields.get("receipt", "")[:60])
    if SWITCH in fields and (receipt is None or fields.get("action") == "open"):
        return _enter(page, fields)
    if receipt is None:
        return _enter(page, fields, problem="wrong_digits", status=422)
    try:
        service.refuse_accounts(anyone)
        return await _acted(session, parts, page, receipt, fields)
    except Problem as problem:
        return _enter(page, fields, problem=_said(problem), status=problem.kind.status)


async def _acted(
    session: Session, line: Line, page: Page, receipt: str, fields: dict[str, str]
) -> HTMLResponse:
    action, text = fields.get("action", "open"), fields.get("text", "").strip()
    if SWITCH in fields:
        thread = await service.read_thread(session, line, receipt)
        return _thread(page, receipt, thread, typed=Typed(text=text[:_SHOWN_AGAIN]))
    if action == "delete" and fields.get("sure") == "yes":
        await service.delete_thread(session, line, receipt)
        return page.show("gone")
    if action == "add" and 0 < len(text) <= MAX_TEXT:
        thread = await service.add_message(session, line, receipt, text)
        return _thread(page, receipt, thread, done="added")
    if action in ("wish", "unwish"):
        thread = await service.set_wish(session, line, receipt, action == "wish")
        return _thread(page, receipt, thread, done="wish_changed")
    thread = await service.read_thread(session, line, receipt)
    if len(text) > MAX_TEXT:
        shown = Typed(text=text[:_SHOWN_AGAIN])
        return _thread(page, receipt, thread, typed=shown, problem="too_long", status=422)
    return _thread(page, receipt, thread)


def _enter(page: Page, fields: dict[str, str] | None = None, **values: Any) -> HTMLResponse:
    """Show the entry page with the typed values. An unsent message remains there while the reporter corrects the
    number."""
    given = fields or {}
    typed = Typed(text=given.get("text", "").strip()[:_SHOWN_AGAIN])
    return page.show("enter", typed=typed, receipt=given.get("receipt", "")[:60], **values)


def _thread(page: Page, receipt: str, thread: ThreadView, **values: Any) -> HTMLResponse:
    return page.show(
        "thread",
        receipt=receipt,
        thread=thread,
        until=thread.readable_until,
        answered=any(message.author == "desk" for message in thread.messages),
        **values,
    )


async def _start(
    page: Page,
    session: Session,
    line: Line,
    typed: Typed | None = None,
    given: str = "",
    **values: Any,
) -> HTMLResponse:
    if typed is not None:
        typed = Typed(**{**vars(typed), "text": typed.text[:_SHOWN_AGAIN]})
    now = clock.now()
    watch = page.watch("watch", await service.told_at(session, line, now), now)
    return page.show("start", typed=typed, form=_form(line, given), watch=watch, **values)


def _form(line: Line, given: str) -> str:
    """Return the form token as submitted, or a new one. It contains the creation time, because only robots complete a
    form within a moment."""
    now = clock.now()
    try:
        line.gate.receipts.read_form(given, now)
    except BadForm:
        return line.gate.receipts.new_form(now)
    return given


def _page(request: Request, settings: ServiceSettingsOf, asked: str | None) -> Page:
    return Page(page_language(asked, request.headers.get("accept-language")), settings)


async def _fields(request: Request) -> dict[str, str] | None:
    """Return the form's fields; None for any other body, such as one with files."""
    kind = request.headers.get("content-type", _URLENCODED).split(";")[0].strip().lower()
    if kind != _URLENCODED:
        return None
    form = await request.form(max_fields=20)
    # The database stores neither NUL nor lone surrogates; nobody types these or invisible characters.
    return {
        name: without_turning(value.replace("\x00", "").encode("utf-8", "ignore").decode())
        for name, value in form.items()
        if isinstance(value, str)
    }


def _said(problem: Problem) -> str:
    return _SAID.get(problem.kind.code, "account")
