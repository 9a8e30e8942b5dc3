"""Use cases for the token endpoint: authenticate a client and issue a token (RFC 9068) with the allowed scopes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from common.auth import InvalidToken, KeySet, mint_token, smart, verify_assertion
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients import queries
from gateway.issuer.clients.service import has_ended, use_assertion, used
from gateway.issuer.forms import Credentials
from gateway.issuer.keys.ring import KeyRing
from gateway.issuer.rights import Identity
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.throttle import service as attempts

TYPE = "at+jwt"
_NO_CLIENT = "Unknown client, wrong secret, or client not active."


class Refused(Exception):
    """An OAuth error (RFC 6749 §5.2). `retry_after` is in seconds, for errors for which waiting helps."""

    def __init__(
        self, error: str, description: str, status: int = 400, retry_after: int | None = None
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class Desk:
    """The process-wide parts of the token endpoint."""

    settings: IssuerSettings
    ring: KeyRing
    secrets: SecretChecks
    successor_key: bytes

    def token(
        self,
        identity: Identity,
        scopes: tuple[str, ...],
        sign_in: str | None = None,
        signed_in_at: float | None = None,
    ) -> dict[str, Any]:
        """Return the successful response of the token endpoint (RFC 6749 §5.1)."""
        claims = access_claims(
            identity,
            scopes=scopes,
            issuer=self.settings.token_issuer_url,
            audience=self.settings.token_audience,
            now=time.time(),
            seconds=self.settings.token_seconds,
            sign_in=sign_in,
            signed_in_at=signed_in_at,
        )
        key = self.ring.current()
        token = mint_token(
            claims, private_pem=key.pem, kid=key.kid, algorithm=key.algorithm, typ=TYPE
        )
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.settings.token_seconds,
            "scope": " ".join(scopes),
        }


async def authenticated_client(
    session: AsyncSession, desk: Desk, given: Credentials | None, source: str
) -> Any:
    """Return the client's row. All failures take equally long and look the same. A client with registered keys can
    authenticate only with these keys."""
    if given is None:
        raise Refused("invalid_client", "Authenticate with client id and secret.", 401)
    pause = await attempts.seconds_to_wait(session, given.client_id, source)
    if pause:
        raise Refused("temporarily_unavailable", "Too many failed attempts from here.", 429, pause)
    row = await queries.client(session, given.client_id)
    by_key = row is not None and row["jwks"] is not None
    stored = row["secret_hash"] if row is not None and not by_key else None
    matches = await desk.secrets.matches(stored, given.secret or "")
    if row is not None and by_key:
        matches = await _signed(session, desk, row, given.assertion)
    if row is None or not matches or not (row["active"] and row["organisation_active"]):
        await attempts.failed(session, given.client_id, source)
        raise Refused("invalid_client", _NO_CLIENT, 401)
    await attempts.succeeded(session, given.client_id, source)
    # The comparison is slow, so the secret may have been renewed or the client disabled in the meantime.
    await queries.hold(session, given.client_id, share=True)
    held = await queries.client(session, given.client_id)
    if held is None or not held["active"] or _proofs(held) != _proofs(row):
        raise Refused("invalid_client", _NO_CLIENT, 401)
    if has_ended(held):
        raise Refused("invalid_client", _NO_CLIENT, 401)
    await used(session, held)
    return held


def _proofs(row: Any) -> tuple[Any, Any]:
    return row["secret_hash"], row["jwks"]


async def _signed(session: AsyncSession, desk: Desk, row: Any, assertion: str | None) -> bool:
    """Return whether a registered key of the client signed this assertion, and nobody has used the assertion before."""
    audience = f"{desk.settings.token_issuer_url.rstrip('/')}/oauth/token"
    try:
        claims = verify_assertion(
            assertion or "",
            KeySet.from_jwks(row["jwks"]),
            client_id=row["id"],
            audience=audience,
        )
    except InvalidToken:
        return False
    return await use_assertion(session, row["id"], claims["jti"])


class ScopeNotGranted(Exception):
    """The client requested a scope that it does not have: `invalid_scope`."""


def granted_scopes(asked: str | None, held: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes of the token: all the client's scopes or the requested ones. The client must have each
    requested scope, or the scopes that a SMART scope requires."""
    if asked is None:
        return tuple(held)
    wanted = tuple(dict.fromkeys(asked.split(" ")))
    if not all(smart.stands_for(scope) or {scope} <= set(held) for scope in wanted):
        raise ScopeNotGranted
    if not frozenset[str]().union(*map(smart.stands_for, wanted)) <= set(held):
        raise ScopeNotGranted
    order = (*held, *(scope for scope in wanted if smart.stands_for(scope)))
    return tuple(scope for scope in order if scope in wanted)


def access_claims(
    identity: Identity,
    *,
    scopes: Sequence[str],
    issuer: str,
    audience: str,
    now: float,
    seconds: int,
    sign_in: str | None = None,
    signed_in_at: float | None = None,
) -> dict[str, Any]:
    """Return the claims of an access token (RFC 9068 §2.2) from which the front builds a principal.

    `sid` identifies a person's sign-in (OIDC Back-Channel Logout §2.1), which ends as a whole. `auth_time` is the time
    of the sign-in (RFC 9068 §2.2.1), so that sensitive actions can require a recent one. `iat` has milliseconds (RFC
    7519 allows fractions). A revocation covers tokens issued until that instant, and a token issued right after it must
    not have the same timestamp. Both times use the database's clock, which all replicas share. A replica with a fast
    clock therefore cannot issue tokens that escape a later revocation.
    """
    person = {} if sign_in is None else {"sid": sign_in, "auth_time": signed_in_at}
    return {
        "iss": issuer,
        "aud": audience,
        "sub": identity.subject,
        "client_id": identity.client_id,
        "iat": round(min(now, identity.read_at), 3),
        "exp": int(now) + seconds,
        "jti": uuid4().hex,
        "scope": " ".join(scopes),
        "org": str(identity.organisation_id),
        "roles": sorted(identity.roles),
        "aors": sorted(identity.aors),
        "areas": sorted(identity.areas),
        **person,
    }
