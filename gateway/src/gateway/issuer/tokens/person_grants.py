"""Grants for people: they exchange authorization codes and refresh tokens for new tokens."""

import time
from collections.abc import Mapping
from typing import Any

from common import clock
from common.auth import InvalidToken, KeySet, Principal, mint_token, verify_token
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients import queries as clients
from gateway.issuer.forms import Credentials
from gateway.issuer.organisations.queries import identity_of
from gateway.issuer.people import queries as people
from gateway.issuer.revocations.service import revoke
from gateway.issuer.sign_ins import service as sign_ins
from gateway.issuer.sign_ins.proofs import proves
from gateway.issuer.tokens.service import TYPE, Desk, Refused, authenticated_client

_NOBODY = "The person may not sign in any more."
_INVALID = "The code or refresh token is unknown, used, expired, or another client's."


async def by_code(
    session: AsyncSession, desk: Desk, form: Mapping[str, str], who: Credentials | None, source: str
) -> dict[str, Any]:
    """Exchange an authorization code (RFC 6749 §4.1.3 with PKCE, RFC 7636 §4.5)."""
    client = await client_of(session, desk, who, source)
    grant = await sign_ins.use_code(session, form.get("code", ""))
    if grant is None or grant["client_id"] != client["id"]:
        raise Refused("invalid_grant", _INVALID)
    if grant["redirect_uri"] != form.get("redirect_uri"):
        raise Refused("invalid_grant", "redirect_uri differs from that of the sign-in.")
    if not proves(form.get("code_verifier", ""), grant["challenge"]):
        raise Refused("invalid_grant", "code_verifier does not fit.")
    answer = await _tokens(session, desk, grant, client)
    answer["refresh_token"] = await sign_ins.first_refresh_token(session, grant)
    if "openid" in grant["scopes"]:
        person = await people.by_id(session, grant["person_id"])
        answer["id_token"] = _id_token(desk, grant, person)
    return answer


async def by_refresh(
    session: AsyncSession, desk: Desk, form: Mapping[str, str], who: Credentials | None, source: str
) -> dict[str, Any]:
    """Exchange a refresh token and rotate it (RFC 6749 §6)."""
    client = await client_of(session, desk, who, source)
    token = form.get("refresh_token", "")
    key = desk.successor_key
    grant = await sign_ins.use_refresh_token(session, token, key)
    if grant is None or grant["client_id"] != client["id"]:
        raise Refused("invalid_grant", _INVALID)
    answer = await _tokens(session, desk, grant, client)
    answer["refresh_token"] = await sign_ins.next_refresh_token(session, grant, token, key)
    return answer


async def void(session: AsyncSession, desk: Desk, token: str, client_id: str) -> None:
    """End a refresh token's sign-in, or revoke one access token of this client (RFC 7009)."""
    await sign_ins.end_that_of(session, token)
    try:
        claims = verify_token(
            token,
            KeySet.from_jwks(desk.ring.jwks()),
            issuer=desk.settings.token_issuer_url,
            audience=desk.settings.token_audience,
            typ=TYPE,
        )
    except InvalidToken:
        return
    if claims.get("client_id") == client_id and isinstance(claims.get("jti"), str):
        await revoke(session, "token", claims["jti"])


async def client_of(session: AsyncSession, desk: Desk, who: Credentials | None, source: str) -> Any:
    """Return the client, authenticated if it has a secret. A public client only states its name and is protected by
    PKCE."""
    if who is not None and who.secret is None and who.assertion is None:
        row = await clients.client(session, who.client_id)
        if row is not None and row["active"] and row["secret_hash"] is None:
            return row
    return await authenticated_client(session, desk, who, source)


def about(caller: Principal) -> dict[str, Any]:
    """Return the claims of `/oauth/userinfo` (OIDC Core §5.3): ids and rights, but no personal data."""
    return {
        "sub": caller.subject,
        "client_id": caller.client_id,
        "org": str(caller.organisation_id) if caller.organisation_id else None,
        "roles": sorted(caller.roles),
        "scope": " ".join(sorted(caller.scopes)),
        "aors": sorted(caller.aors),
        "areas": sorted(caller.areas),
    }


async def _tokens(session: AsyncSession, desk: Desk, grant: Any, client: Any) -> dict[str, Any]:
    person = await people.by_id(session, grant["person_id"])
    if person is None or not person["active"]:
        raise Refused("invalid_grant", _NOBODY)
    identity = await identity_of(session, person, str(person["id"]), grant["client_id"])
    if identity is None:
        raise Refused("invalid_grant", _NOBODY)
    held = set(identity.scopes) & set(client["scopes"])
    scopes = tuple(scope for scope in grant["scopes"] if scope in held)
    return desk.token(identity, scopes, str(grant["family"]), _signed_in_at(grant))


def _signed_in_at(grant: Any) -> int:
    """Return the time of the sign-in in real time, like `iat`, because tokens ignore the embedded stack's shifted
    clock."""
    return int(time.time() - (clock.now() - grant["signed_in_at"]).total_seconds())


def _id_token(desk: Desk, grant: Any, person: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": desk.settings.token_issuer_url,
        "aud": grant["client_id"],
        "sub": str(grant["person_id"]),
        "iat": now,
        "exp": now + desk.settings.token_seconds,
        "auth_time": _signed_in_at(grant),
        # Codes from the previous release lack it.
        "amr": grant["amr"] or ["pwd", "otp", "mfa"],
        "preferred_username": person["sign_in_name"],
        "org_name": person["organisation_name"],
    }
    if grant["nonce"] is not None:
        claims["nonce"] = grant["nonce"]
    key = desk.ring.current()
    return mint_token(claims, private_pem=key.pem, kid=key.kid, algorithm=key.algorithm, typ="JWT")
