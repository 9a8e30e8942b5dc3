"""Use cases of the token endpoint: authenticate a client and issue a token (RFC 9068) with the allowed scopes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from common.auth import mint_token
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients import queries
from gateway.issuer.clients.service import has_ended, used
from gateway.issuer.forms import Credentials
from gateway.issuer.keys.ring import KeyRing
from gateway.issuer.rights import Identity
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.throttle import service as attempts

TYPE = "at+jwt"
_NO_CLIENT = "Unknown client, wrong secret, or client not active."


class Refused(Exception):
    """An OAuth error (RFC 6749 §5.2). `retry_after` is in seconds, where waiting helps."""

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
        """Return the successful answer of the token endpoint (RFC 6749 §5.1)."""
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
    """Return the client's row. All failures take equally long and look the same."""
    if given is None:
        raise Refused("invalid_client", "Authenticate with client id and secret.", 401)
    pause = await attempts.seconds_to_wait(session, given.client_id, source)
    if pause:
        raise Refused("temporarily_unavailable", "Too many failed attempts from here.", 429, pause)
    row = await queries.client(session, given.client_id)
    stored = row["secret_hash"] if row is not None else None
    matches = await desk.secrets.matches(stored, given.secret or "")
    if row is None or not matches or not (row["active"] and row["organisation_active"]):
        await attempts.failed(session, given.client_id, source)
        raise Refused("invalid_client", _NO_CLIENT, 401)
    await attempts.succeeded(session, given.client_id, source)
    # The comparison is slow: meanwhile the secret may have been renewed or the client disabled.
    await queries.hold(session, given.client_id, share=True)
    held = await queries.client(session, given.client_id)
    if held is None or held["secret_hash"] != stored or not held["active"]:
        raise Refused("invalid_client", _NO_CLIENT, 401)
    if has_ended(held):
        raise Refused("invalid_client", _NO_CLIENT, 401)
    await used(session, held)
    return held


class ScopeNotGranted(Exception):
    """The client requested a scope that it does not hold: `invalid_scope`."""


def granted_scopes(asked: str | None, held: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes of the token: all that the client holds, or the requested ones if it holds each of them."""
    if asked is None:
        return tuple(held)
    wanted = tuple(dict.fromkeys(asked.split(" ")))
    if not set(wanted) <= set(held):
        raise ScopeNotGranted
    return tuple(scope for scope in held if scope in wanted)


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

    `sid` identifies a person's sign-in (OIDC Back-Channel Logout §2.1), which ends as a whole. `auth_time` is when it
    happened (RFC 9068 §2.2.1), so that sensitive actions can require a recent one. `iat` has milliseconds (RFC 7519
    allows fractions): a revocation covers tokens issued until that instant, and a token issued right after it must not
    share its second. Both use the database's clock, which all replicas share, so a replica with a fast clock cannot
    issue tokens that escape a later revocation.
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
