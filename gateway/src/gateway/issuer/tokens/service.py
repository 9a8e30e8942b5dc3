"""Use cases of the token endpoint: authenticate a client, give it a token."""

import time
from dataclasses import dataclass
from typing import Any

from common.auth import mint_token
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients import queries
from gateway.issuer.forms import Credentials
from gateway.issuer.organisations.identity import Identity
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.signing.ring import KeyRing
from gateway.issuer.throttle import service as attempts
from gateway.issuer.tokens.claims import access_claims

TYPE = "at+jwt"
_NO_CLIENT = "Unknown client, wrong secret, or client not active."


class Refused(Exception):
    """An OAuth error (RFC 6749 §5.2). `retry_after` seconds where waiting helps."""

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
    """What the token endpoint works with for the whole life of the process."""

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
        """The successful answer of the token endpoint (RFC 6749 §5.1)."""
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
    """The client's row. Every failure takes equally long and says equally little."""
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
    # Comparing takes long: whoever renewed the secret or switched the client off meanwhile has ended this, too.
    await queries.hold(session, given.client_id, share=True)
    held = await queries.client(session, given.client_id)
    if held is None or held["secret_hash"] != stored or not held["active"]:
        raise Refused("invalid_client", _NO_CLIENT, 401)
    return held
