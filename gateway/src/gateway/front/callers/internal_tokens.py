"""Internal tokens, which prove to a service that the front has verified the caller.

A token is signed here, is valid for a minute and has one audience. Services accept no other tokens. Signing costs more
than the rest of a request, so a token is reused for most of its minute.
"""

import time
from pathlib import Path
from uuid import uuid4

from common.auth import ANONYMOUS, Principal, mint_token

from gateway.front.callers.tokens import Caller
from gateway.keys import ALGORITHM, named_jwk

TYPE = "ruta-int+jwt"
LIFETIME_SECONDS = 60
_REUSED_SECONDS = 40
# The front's own identity, for reading keys and revocations and for sending ended rights.
_FRONT = Principal(client_id="ruta-gateway", subject="ruta-gateway", scopes=frozenset({"internal"}))


class InternalTokens:
    """Creates internal tokens and caches each with its caller, so that both are evicted together."""

    def __init__(self, signing_key_file: Path, issuer: str) -> None:
        self._file = signing_key_file
        self._stamp: tuple[int, int] | None = None
        self._follow()
        self._issuer = issuer
        self._anonymous = Caller(ANONYMOUS, "anonymous", float("inf"), 0)
        self._front = Caller(_FRONT, "front", float("inf"), 0)

    def authorization(self, caller: Caller | None, audience: str) -> bytes:
        """Return the Authorization header value for a service. `None` means an anonymous caller."""
        caller = caller or self._anonymous
        now = time.time()
        known = caller.internal.get(audience)
        if known is not None and known[1] > now:
            return known[0]
        expires = min(now + LIFETIME_SECONDS, caller.believed_until)
        value = b"Bearer " + self._mint(caller.principal, audience, now, expires).encode()
        caller.internal[audience] = (value, min(now + _REUSED_SECONDS, expires))
        return value

    def of_the_front(self, audience: str = "ruta-issuer") -> str:
        """Return the front's own Authorization header, by default for the issuer."""
        return self.authorization(self._front, audience).decode()

    def _follow(self) -> None:
        """Reload the signing key if its file has changed, so that a rotation needs no restart."""
        stat = self._file.stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            self._pem = self._file.read_text()
            self._kid = str(named_jwk(self._pem)["kid"])
            self._stamp = stamp

    def _mint(self, principal: Principal, audience: str, now: float, expires: float) -> str:
        self._follow()
        claims = {
            "iss": self._issuer,
            "sub": principal.subject,
            "aud": audience,
            "iat": int(now),
            "exp": int(expires),
            "jti": uuid4().hex,
            "client_id": principal.client_id,
            "scope": " ".join(sorted(principal.scopes)),
            "roles": sorted(principal.roles),
            "aors": sorted(principal.aors),
            "areas": sorted(principal.areas),
        }
        if principal.organisation_id is not None:
            claims["org"] = str(principal.organisation_id)
        if principal.outside:
            claims["outside"] = True
        if principal.sign_in is not None:
            claims["sid"] = principal.sign_in
        if principal.signed_in_at is not None:
            claims["auth_time"] = principal.signed_in_at
        return mint_token(
            claims, private_pem=self._pem, kid=self._kid, algorithm=ALGORITHM, typ=TYPE
        )
