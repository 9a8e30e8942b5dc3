"""`/oauth/authorize`: a person signs in with password and second factor, and the client gets a code."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, cast

from common import clock
from common.http import AnyQuery, InParts, Session, context_of, page_language, router
from common.pages.look import SWITCH
from common.words.languages import PageLanguage
from fastapi import Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.issuer.authorize import tickets
from gateway.issuer.authorize.page import policy, sign_in_page, told_page
from gateway.issuer.authorize.tickets import (
    Asked,
    Entered,
    Faulty,
    NoTicket,
    OldTicket,
    Tickets,
    Unanswerable,
    answer_uri,
    challenge_of,
)
from gateway.issuer.changes.sentences import told as in_words
from gateway.issuer.clients import queries as clients
from gateway.issuer.forms import BadForm, read_form
from gateway.issuer.people import own_service as news
from gateway.issuer.people import queries
from gateway.issuer.people import service as people
from gateway.issuer.people.api import Factors, Passkeying, Recovery, passkeys_of, script_address
from gateway.issuer.people.factors import Answer
from gateway.issuer.people.own_service import News
from gateway.issuer.requests import Anyone, Secrets, form_body, settings_of, text_of, turns_of
from gateway.issuer.sign_ins.proofs import Factor
from gateway.issuer.sign_ins.service import begin

routes = router("/oauth", ["tokens"])
_COOKIE = "ruta-sign-in"
_READ, _NOT_ASKED_FOR = "read", "not_asked_for"
_HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "Sign-in page."},
    303: {"description": "Back to the client, with `code` or `error`."},
    400: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "No redirect."},
}


@routes.get(
    "/authorize",
    summary="Sign-in page",
    responses=_HTML,
    response_class=HTMLResponse,
    dependencies=[AnyQuery],
)
async def ask(request: Request, _caller: Anyone, session: Session) -> Response:
    """Show the sign-in page. Parameters as in RFC 6749 §4.1, RFC 7636 (S256 only) and OIDC Core."""
    query = dict(request.query_params)
    try:
        wanted = await _read(session, query)
    except Unanswerable:
        return _page(request, ticket=None, error="unknown", status=400)
    except Faulty as fault:
        return _back(request, query["redirect_uri"], query.get("state"), fault)
    return _form(request, wanted, error=None)


@routes.post(
    "/authorize",
    summary="Sign in",
    responses=_HTML,
    response_class=HTMLResponse,
    openapi_extra=form_body(
        ["ticket", "sign_in_name", "password"],
        {
            "ticket": text_of(4096),
            "sign_in_name": text_of(63),
            "password": text_of(200),
            "code": {"type": "string", "pattern": "^[0-9]{6}$"},
            "recovery_code": text_of(40),
            "credential": text_of(4096),
            SWITCH: text_of(10),
        },
    ),
    dependencies=[AnyQuery, InParts],
)
async def sign_in(
    *,
    request: Request,
    _caller: Anyone,
    checks: Secrets,
    factors: Factors,
    recovery: Recovery,
    passkeys: Passkeying,
) -> Response:
    """Process the form of the sign-in page; only that page can create a valid one."""
    form: dict[str, str] = {}
    try:
        form = read_form(request.headers.get("content-type", ""), await request.body())
        ticket, name = form.get("ticket", ""), form.get("sign_in_name", "")
        opened = _tickets(request).open(ticket, request.cookies.get(_COOKIE, ""), clock.now())
    except OldTicket as old:
        return _form(request, old.asked, error="stale", status=400, name=name)
    except (BadForm, NoTicket):
        return _page(request, ticket=None, error="elsewhere", status=400)
    wanted, credential = opened.asked, form.get("credential")
    if SWITCH in form:
        return _form(request, wanted, error=None, name=name)
    attempt = people.Attempt(
        sign_in_name=name,
        code=form.get("code", ""),
        recovery_code=form.get("recovery_code"),
        answer=Answer(credential, challenge_of(ticket), opened.made) if credential else None,
        source=request.headers.get("ruta-source", "unknown"),
    )
    proofs = people.Proofs(factors, recovery, passkeys)
    database, turns = context_of(request).database, turns_of(request)
    async with turns:
        admission = await database.retried(
            lambda session: people.admitted(session, proofs, attempt)
        )
    if admission.wait:
        return _form(request, wanted, error="wait", status=429, name=name)
    stored = admission.password_hash
    right = admission.compares and await checks.matches(stored, form.get("password", ""))

    async def entered(session: AsyncSession) -> Response | None:
        person = await people.signed_in(session, proofs, attempt, stored if right else None)
        if person is None:
            return None
        factor = _factor(form)
        entering = Entered(wanted, person["id"], person["version"], factor, clock.now())
        # Recovery codes are the weakest proof. Somebody who found the paper must not confirm the changes on the
        # person's behalf.
        if factor is not Factor.RECOVERY_CODE:
            unread = await news.unread(session, person["id"])
            if unread.ids:
                return _told(request, entering, unread, person)
        return await _let_in(request, session, entering, person)

    async with turns:
        answer = await database.retried(entered)
    return answer or _form(request, wanted, error="wrong", status=401, name=name)


@routes.post(
    "/told",
    summary="Say that what was changed was read, or not asked for",
    responses=_HTML,
    response_class=HTMLResponse,
    openapi_extra=form_body(
        ["ticket"],
        {
            "ticket": text_of(4096),
            "answer": {
                "type": "string",
                "enum": [_READ, _NOT_ASKED_FOR],
                "description": "They go on, or end all that is signed in as them.",
            },
            SWITCH: text_of(10),
        },
    ),
)
async def told(
    request: Request,
    _caller: Anyone,
    session: Session,
    _language: Annotated[
        PageLanguage | None, Query(alias="ui_locales", description="Language of the page.")
    ] = None,
) -> Response:
    """Process the form of the page that shows a person recent changes to their sign-in."""
    try:
        form = read_form(request.headers.get("content-type", ""), await request.body())
        browser = request.cookies.get(_COOKIE, "")
        entered = _tickets(request).open_entered(form.get("ticket", ""), browser, clock.now())
    except OldTicket as old:
        return _form(request, old.asked, error="stale", status=400)
    except (BadForm, NoTicket):
        return _page(request, ticket=None, error="elsewhere", status=400)
    person = await queries.held(session, entered.person)
    unread = await news.unread(session, entered.person)
    # Once its changes are confirmed, a ticket cannot be used again.
    if not (_still(person, entered) and unread.ids):
        return _page(request, ticket=None, error="elsewhere", status=400)
    answer = form.get("answer")
    if answer == _NOT_ASKED_FOR:
        await news.said_not_asked_for(session, entered.person)
        return _without_cookie(_told_page(request, entered, unread, person))
    if answer != _READ or unread.mark != entered.news:
        return _told(request, entered, unread, person)
    await news.said_read(session, entered.person, unread)
    return await _let_in(request, session, entered, person)


def _still(person: Any, entered: Entered) -> bool:
    """Return whether the person's row is unchanged since the person authenticated."""
    if person is None or not (person["active"] and person["organisation_active"]):
        return False
    return bool(person["version"] == entered.version)


async def _let_in(request: Request, session: Any, entered: Entered, person: Any) -> Response:
    """Redirect to the client with a code, if its redirect URI is still registered."""
    wanted = entered.asked
    await clients.hold(session, wanted.client_id, share=True)
    client = await clients.client(session, wanted.client_id)
    registered = client["redirect_uris"] if client is not None and client["active"] else ()
    if client is None or wanted.redirect_uri not in registered:
        return _page(request, ticket=None, error="unknown", status=400)
    code = await begin(
        session,
        client_id=wanted.client_id,
        person_id=person["id"],
        scopes=_scopes(wanted, person, client),
        redirect_uri=wanted.redirect_uri,
        challenge=wanted.challenge,
        nonce=wanted.nonce,
        factor=entered.factor,
        signed_in_at=entered.at,
    )
    found = {"code": code, "state": wanted.state, "iss": _issuer(request)}
    return _without_cookie(
        RedirectResponse(answer_uri(wanted.redirect_uri, found), 303, _no_store())
    )


def _factor(form: Mapping[str, str]) -> Factor:
    if "recovery_code" in form:
        return Factor.RECOVERY_CODE
    return Factor.PASSKEY if "credential" in form else Factor.CODE


async def _read(session: Session, query: dict[str, str]) -> Asked:
    client = await clients.client(session, query.get("client_id", ""))
    registered = client["redirect_uris"] if client is not None and client["active"] else None
    wanted = tickets.read(query, tickets.redirect_of(query, registered))
    if client is None or client["organisation_id"] is None:
        return wanted
    return replace(wanted, application=client["name"], organisation=client["organisation_name"])


def _scopes(wanted: Asked, person: Any, client: Any) -> tuple[str, ...]:
    """Return the requested scopes that both the person and the client have. Other scopes are dropped, not refused."""
    asked = [scope for scope in wanted.scope.split(" ") if scope]
    held = set(person["scopes"]) & set(client["scopes"])
    chosen = [scope for scope in asked if scope in held]
    if not set(asked) - {"openid"}:
        chosen = sorted(held)
    return (*chosen, *(["openid"] if "openid" in asked else []))


def _form(
    request: Request, wanted: Asked, *, error: str | None, status: int = 200, name: str = ""
) -> Response:
    browser = request.cookies.get(_COOKIE) or secrets.token_urlsafe(16)
    ticket = _tickets(request).make(wanted, browser, clock.now())
    response = _page(request, ticket=ticket, error=error, status=status, wanted=wanted, name=name)
    return _with_cookie(request, response, browser)


def _told(request: Request, entered: Entered, unread: News, person: Any) -> Response:
    browser = request.cookies.get(_COOKIE, "")
    shown = replace(entered, news=unread.mark)
    ticket = _tickets(request).make_entered(shown, browser)
    page = _told_page(request, entered, unread, person, ticket)
    return _with_cookie(request, page, browser)


def _told_page(
    request: Request, entered: Entered, unread: News, person: Any, ticket: str | None = None
) -> Response:
    """Return the page that tells the person what changed. `ticket` is None if the person has reported that they did not
    make the changes."""
    language = _spoken(request)
    html = told_page(
        language=language,
        ticket=ticket,
        news=in_words(unread.lines, unread.names, language),
        organisation=person["organisation_name"],
    )
    headers = policy(tickets.origin_of(entered.asked.redirect_uri))
    return HTMLResponse(html, headers={**headers, "Content-Language": language})


def _with_cookie(request: Request, response: Response, browser: str) -> Response:
    response.set_cookie(
        _COOKIE,
        browser,
        max_age=600,
        path="/oauth",
        secure=_issuer(request).startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


def _without_cookie(response: Response) -> Response:
    response.delete_cookie(_COOKIE, path="/oauth")
    return response


def _spoken(request: Request) -> str:
    return page_language(
        request.query_params.get("ui_locales"), request.headers.get("accept-language")
    )


def _page(
    request: Request,
    *,
    ticket: str | None,
    error: str | None,
    status: int,
    wanted: Asked | None = None,
    name: str = "",
) -> Response:
    language = _spoken(request)
    target = tickets.origin_of(wanted.redirect_uri) if wanted else ""
    passkeys = passkeys_of(request)
    question = passkeys.to_sign_in(challenge_of(ticket)) if ticket and passkeys.offered else None
    script = script_address(request) if question else None
    html = sign_in_page(
        language=language,
        ticket=ticket,
        error=error,
        name=name,
        question=question,
        script=script,
        application=wanted.application if wanted else None,
        organisation=wanted.organisation if wanted else None,
    )
    return HTMLResponse(html, status, {**policy(target, script), "Content-Language": language})


def _back(request: Request, redirect_uri: str, state: str | None, fault: Faulty) -> Response:
    parameters = {
        "error": fault.error,
        "error_description": fault.description,
        "state": state,
        "iss": _issuer(request),
    }
    return RedirectResponse(answer_uri(redirect_uri, parameters), 303, _no_store())


def _tickets(request: Request) -> Tickets:
    return cast("Tickets", context_of(request).parts["tickets"])


def _issuer(request: Request) -> str:
    return settings_of(request).token_issuer_url


def _no_store() -> dict[str, str]:
    return {"Cache-Control": "no-store"}
