"""`/oauth/authorize`: a person signs in with password and second factor, the client gets a code."""

import secrets
from dataclasses import replace
from typing import Any, cast

from common import clock
from common.web import AnyQuery, Session, context_of, page_language, router
from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.issuer.access import Anyone
from gateway.issuer.authorize import asked as requests
from gateway.issuer.authorize.asked import Asked, Faulty, Unanswerable, answer_uri
from gateway.issuer.authorize.page import SWITCH, policy, sign_in_page
from gateway.issuer.authorize.tickets import NoTicket, OldTicket, Tickets, challenge_of
from gateway.issuer.clients import queries as clients
from gateway.issuer.forms import BadForm, read_form
from gateway.issuer.parts import Secrets, settings_of
from gateway.issuer.people import service as people
from gateway.issuer.people.api import Factors, Passkeying, Recovery, passkeys_of, script_address
from gateway.issuer.people.passkeys import Answer
from gateway.issuer.redirects import origin_of
from gateway.issuer.sign_ins.service import begin

routes = router("/oauth", ["tokens"])
_COOKIE = "ruta-sign-in"
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
    """RFC 6749 §4.1 with PKCE (S256 only). Parameters as in RFC 6749, RFC 7636 and OIDC Core."""
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
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["ticket", "sign_in_name", "password"],
                        "properties": {
                            "ticket": {"type": "string", "maxLength": 4096},
                            "sign_in_name": {"type": "string", "maxLength": 63},
                            "password": {"type": "string", "maxLength": 200},
                            "code": {"type": "string", "pattern": "^[0-9]{6}$"},
                            "recovery_code": {"type": "string", "maxLength": 40},
                            "credential": {"type": "string", "maxLength": 4096},
                            SWITCH: {"type": "string", "maxLength": 10},
                        },
                    }
                }
            },
        }
    },
    dependencies=[AnyQuery],
)
async def sign_in(
    *,
    request: Request,
    _caller: Anyone,
    session: Session,
    checks: Secrets,
    factors: Factors,
    recovery: Recovery,
    passkeys: Passkeying,
) -> Response:
    """The form of the sign-in page; only the page itself can fill it."""
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
    source = request.headers.get("ruta-source", "unknown")
    if SWITCH in form:
        return _form(request, wanted, error=None, name=name)
    await people.take_turn(session, name)
    if await people.seconds_to_wait(session, name, source):
        return _form(request, wanted, error="wait", status=429, name=name)
    person = await people.signed_in(
        session,
        checks,
        factors,
        sign_in_name=name,
        password=form.get("password", ""),
        code=form.get("code", ""),
        recovery=recovery,
        recovery_code=form.get("recovery_code"),
        passkeys=passkeys,
        answer=Answer(credential, challenge_of(ticket), opened.made) if credential else None,
        source=source,
    )
    if person is None:
        return _form(request, wanted, error="wrong", status=401, name=name)
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
        # A recovery code is a one-time password, too (RFC 8176).
        amr=["pwd", "pop" if credential and "recovery_code" not in form else "otp", "mfa"],
    )
    found = {"code": code, "state": wanted.state, "iss": _issuer(request)}
    response = RedirectResponse(answer_uri(wanted.redirect_uri, found), 303, _no_store())
    response.delete_cookie(_COOKIE, path="/oauth")
    return response


async def _read(session: Session, query: dict[str, str]) -> Asked:
    client = await clients.client(session, query.get("client_id", ""))
    registered = client["redirect_uris"] if client is not None and client["active"] else None
    wanted = requests.read(query, requests.redirect_of(query, registered))
    if client is None or client["organisation_id"] is None:
        return wanted
    return replace(wanted, application=client["name"], organisation=client["organisation_name"])


def _scopes(wanted: Asked, person: Any, client: Any) -> tuple[str, ...]:
    """What both the person and the client hold, and the client asked for; another scope is left out,
    not refused."""
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


def _page(
    request: Request,
    *,
    ticket: str | None,
    error: str | None,
    status: int,
    wanted: Asked | None = None,
    name: str = "",
) -> Response:
    language = page_language(
        request.query_params.get("ui_locales"), request.headers.get("accept-language")
    )
    target = origin_of(wanted.redirect_uri) if wanted else ""
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
