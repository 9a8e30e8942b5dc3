"""The endpoints `/oauth/token`, `/oauth/revoke`, and the list of void tokens.

Errors follow RFC 6749, not RFC 9457, because OAuth libraries read them. The list is not in the route table, because
only the front reads it.
"""

from typing import Annotated, Any, cast
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import FORBIDDEN, UNAUTHENTICATED
from common.http import AnyQuery, Session, context_of, router
from fastapi import Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from gateway.issuer.changes.queries import newest
from gateway.issuer.clients import queries as clients
from gateway.issuer.forms import ASSERTION_TYPE, BadForm, Credentials, credentials, read_form
from gateway.issuer.organisations import queries as organisations
from gateway.issuer.organisations.queries import identity_of
from gateway.issuer.people import queries as people
from gateway.issuer.requests import Anyone, form_body, text_of
from gateway.issuer.revocations.queries import document
from gateway.issuer.rights import RIGHTS, effective_aors
from gateway.issuer.tokens.person_grants import about, by_code, by_refresh, client_of, void
from gateway.issuer.tokens.service import (
    Desk,
    Refused,
    ScopeNotGranted,
    authenticated_client,
    granted_scopes,
)

oauth = router("/oauth", ["tokens"])

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM = form_body(
    ["grant_type"],
    {
        "grant_type": {
            "type": "string",
            "enum": ["client_credentials", "authorization_code", "refresh_token"],
        },
        "client_id": text_of(100),
        "client_secret": text_of(200),
        "client_assertion_type": text_of(100),
        "client_assertion": text_of(4096),
        "scope": text_of(500),
        "code": text_of(200),
        "redirect_uri": text_of(500),
        "code_verifier": text_of(128),
        "refresh_token": text_of(200),
    },
    examples={
        "key": {
            "summary": "A client with registered keys (SMART Backend Services)",
            "value": {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": "eyJ…",
                "scope": "system/Task.rs system/HealthcareService.rs",
            },
        },
        "machine": {
            "summary": "A partner's system asks for a token",
            "value": {
                "grant_type": "client_credentials",
                "client_id": "ngo-refugio",
                "client_secret": "ruta_…",
            },
        },
    },
)
_REVOCATION_FORM = form_body(
    ["token"],
    {
        "token": text_of(4096),
        "token_type_hint": text_of(40),
        "client_id": text_of(100),
        "client_secret": text_of(200),
        "client_assertion_type": text_of(100),
        "client_assertion": text_of(4096),
    },
)


class TokenAnswer(BaseModel):
    """The response of the token endpoint (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str | None = None
    id_token: str | None = None


class OAuthError(BaseModel):
    """An OAuth error (RFC 6749 §5.2)."""

    error: str
    error_description: str


class UserInfo(BaseModel):
    """The person's ids and rights (OIDC Core §5.3), but no personal data."""

    sub: str
    client_id: str
    org: UUID | None
    roles: list[str]
    scope: str
    aors: list[str]
    areas: list[str]


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": TokenAnswer},
    400: {"model": OAuthError, "description": "The request is not valid."},
    401: {"model": OAuthError, "description": "The client is unknown or its secret is wrong."},
    429: {"model": OAuthError, "description": "Too many failed attempts; see Retry-After."},
}


def desk_of(request: Request) -> Desk:
    return cast("Desk", context_of(request).parts["desk"])


async def given(request: Request) -> tuple[dict[str, str], Credentials | None, str]:
    """Return the form, the client's credentials, and the pseudonym of the source."""
    try:
        form = read_form(request.headers.get("content-type", ""), await request.body())
        who = credentials(request.headers.get("ruta-client-authorization"), form)
    except BadForm as bad:
        raise Refused("invalid_request", str(bad)) from None
    return form, who, request.headers.get("ruta-source", "unknown")


@oauth.post(
    "/token",
    summary="Get an access token",
    responses=_ANSWERS,
    openapi_extra=_FORM,
    dependencies=[AnyQuery],
)
async def token(request: Request, _caller: Anyone, session: Session) -> Response:
    """Issue tokens (RFC 6749): by client credentials for systems, by authorization code and refresh token for people."""
    try:
        form, who, source = await given(request)
        answer = await _granted(session, desk_of(request), form, who, source)
    except Refused as refused:
        return refusal(refused, basic="ruta-client-authorization" in request.headers)
    return JSONResponse(answer, headers=_NO_STORE)


_GRANTS = {"authorization_code": by_code, "refresh_token": by_refresh}


async def _granted(
    session: Session, desk: Desk, form: dict[str, str], who: Credentials | None, source: str
) -> dict[str, Any]:
    grant = form.get("grant_type")
    if grant is None:
        raise Refused("invalid_request", "Say which grant_type.")
    if grant in _GRANTS:
        return await _GRANTS[grant](session, desk, form, who, source)
    if grant != "client_credentials":
        raise Refused("unsupported_grant_type", "This grant is not offered.")
    client = await authenticated_client(session, desk, who, source)
    identity = await identity_of(session, client, client["id"], client["id"])
    if identity is None:
        raise Refused("invalid_client", "The organisation is not active.", 401)
    try:
        scopes = granted_scopes(form.get("scope"), identity.scopes)
    except ScopeNotGranted:
        raise Refused("invalid_scope", "The client does not hold every scope asked for.") from None
    return desk.token(identity, scopes)


@oauth.post(
    "/revoke",
    summary="Give back a token (RFC 7009)",
    status_code=200,
    responses={k: v for k, v in _ANSWERS.items() if k != 200},
    openapi_extra=_REVOCATION_FORM,
    dependencies=[AnyQuery],
)
async def give_back(request: Request, _caller: Anyone, session: Session) -> Response:
    """Revoke a token. A refresh token ends the whole sign-in; an access token is void within a minute."""
    try:
        form, who, source = await given(request)
        client = await client_of(session, desk_of(request), who, source)
        await void(session, desk_of(request), form.get("token", ""), client["id"])
    except Refused as refused:
        return refusal(refused, basic="ruta-client-authorization" in request.headers)
    return Response(status_code=200, headers=_NO_STORE)


@oauth.get("/userinfo", summary="Who the token stands for")
async def userinfo(caller: Anyone) -> UserInfo:
    """Ids and rights of the person or client behind the token, and no personal data."""
    if caller.anonymous:
        raise UNAUTHENTICATED.because(
            "send_access_token", headers={"WWW-Authenticate": 'Bearer realm="ruta"'}
        )
    return UserInfo(**about(caller))


def refusal(refused: Refused, *, basic: bool) -> JSONResponse:
    """Return an OAuth error. Do not raise it, so that the transaction commits the counted failure."""
    headers = dict(_NO_STORE)
    if refused.status == 401 and basic:
        headers["WWW-Authenticate"] = 'Basic realm="ruta"'
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    body = {"error": refused.error, "error_description": refused.description}
    return JSONResponse(body, refused.status, headers)


internal = router("/internal/issuer", ["internal"])
_PEOPLE_AT_ONCE = 500


@internal.get("/revocations", include_in_schema=False)
async def withdrawn(caller: Anyone, session: Session) -> dict[str, Any]:
    """Return void tokens, suspended identities (for work without a token), and the id of the last change."""
    _only_the_front(caller)
    found = await document(session)
    found["suspended"] = {
        "organisation": await organisations.suspended(session),
        "subject": await people.suspended(session),
        "client": await clients.suspended(session),
    }
    found["last_change"] = await newest(session)
    return found


@internal.get("/people", include_in_schema=False)
async def rights_of_now(
    caller: Anyone, session: Session, after: Annotated[str, Query(max_length=200)] = ""
) -> dict[str, Any]:
    """Return the rights of active people and clients, one page ordered by the bytes of their ids.

    `until` is the last id of the page, None on the last page. `as_of` is a time before the rights were read.
    """
    _only_the_front(caller)
    as_of = await session.scalar(sa.select(sa.extract("epoch", sa.func.clock_timestamp())))
    rows = [
        *await people.active_after(session, after, _PEOPLE_AT_ONCE + 1),
        *await clients.active_after(session, after, _PEOPLE_AT_ONCE + 1),
    ]
    rows.sort(key=lambda row: str(row["subject"]).encode())
    here = rows[:_PEOPLE_AT_ONCE]
    members = await organisations.aors_of_many(session, {row["organisation_id"] for row in here})
    return {
        "as_of": float(as_of or 0),
        "after": after,
        "until": here[-1]["subject"] if len(rows) > len(here) else None,
        "people": {
            row["subject"]: {
                "organisation_id": str(row["organisation_id"]),
                **{name: row[name] for name in RIGHTS},
                "aors": effective_aors(row["aors"], members[row["organisation_id"]]),
            }
            for row in here
        },
    }


def _only_the_front(caller: Principal) -> None:
    # The front sends its own internal token, which belongs to no organisation.
    if "internal" not in caller.scopes:
        raise FORBIDDEN.because("only_gateway_may_read_this")
