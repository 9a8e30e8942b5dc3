"""From an access token to a caller: verified once, remembered for as long as it may be believed."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.auth import InvalidToken, KeySet, Principal, verify_token
from common.auth.tokens import LEEWAY_SECONDS

from gateway.front.trust.claims import mapped
from gateway.front.trust.revocations import Revocations

MAX_REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class Caller:
    """`key` names the caller in limits. Times are seconds since 1970; `expires` is what the token
    says, and it is believed for the leeway that `verify_token` grants to clocks."""

    principal: Principal
    key: str
    expires: float
    issued: float
    token_id: str = ""
    sign_in: str = ""
    internal: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    @property
    def believed_until(self) -> float:
        return self.expires + LEEWAY_SECONDS


@dataclass(frozen=True)
class Trust:
    """Which tokens are believed, and how their claims are named. `outside`: another provider signs them."""

    issuer: str
    audience: str
    types: tuple[str, ...] = ("at+jwt",)
    claims: Mapping[str, str] = field(default_factory=dict)
    outside: bool = False


class Callers:
    """A bounded memory of verified tokens. Expiry and revocation are looked at on every use."""

    def __init__(self, trust: Trust, revocations: Revocations) -> None:
        self._trust = trust
        self._revocations = revocations
        self._known: OrderedDict[bytes, Caller] = OrderedDict()

    def caller(self, token: str, keys: KeySet) -> Caller:
        """Verify, or remember that it was; InvalidToken if it proves nothing (any more)."""
        digest = hashlib.blake2b(token.encode("latin-1"), digest_size=16).digest()
        caller = self._known.get(digest)
        if caller is None:
            caller = self._verified(token, keys)
            self._remember(digest, caller)
        elif caller.believed_until <= time.time():
            del self._known[digest]
            raise InvalidToken("expired")
        if self._revocations.cover(
            caller.principal, caller.token_id, caller.issued, caller.sign_in
        ):
            self._known.pop(digest, None)
            raise InvalidToken("revoked")
        return caller

    def forget_all(self) -> None:
        """Verify every token anew: after the keys have changed."""
        self._known.clear()

    def _remember(self, digest: bytes, caller: Caller) -> None:
        self._known[digest] = caller
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

    def _verified(self, token: str, keys: KeySet) -> Caller:
        claims = self._claims(token, keys)
        try:
            principal = Principal.from_claims(claims)
            expires, issued = float(claims["exp"]), float(claims["iat"])
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise InvalidToken("a claim has the wrong shape") from error
        if principal.anonymous:
            raise InvalidToken("nobody may be called anonymous")
        return Caller(
            principal=principal,
            key=f"{principal.client_id}/{principal.subject}",
            expires=expires,
            issued=issued,
            token_id=str(claims.get("jti", "")),
            sign_in=str(claims.get("sid", "")),
        )

    def _claims(self, token: str, keys: KeySet) -> dict[str, Any]:
        failure = InvalidToken("no type of token is accepted")
        for typ in self._trust.types:
            try:
                claims = verify_token(
                    token,
                    keys,
                    issuer=self._trust.issuer,
                    audience=self._trust.audience,
                    typ=typ.lower(),
                    outside=self._trust.outside,
                )
            except InvalidToken as error:
                failure = error
            else:
                return mapped(claims, self._trust.claims)
        raise failure


def bearer(authorization: bytes) -> str:
    """The token of an `Authorization: Bearer` header; InvalidToken for any other scheme."""
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise InvalidToken("not a bearer token")
    return token
