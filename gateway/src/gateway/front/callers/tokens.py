"""Turns access tokens from Ruta's issuer or an outside provider into callers, and caches them."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.auth import InvalidToken, KeySet, Principal, verify_token
from common.auth.tokens import LEEWAY_SECONDS, UnknownKey

from gateway.front.callers.revocations import Revocations

MAX_REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class Caller:
    """A verified caller. `key` identifies the caller for rate limits. Times are seconds since 1970. The front still
    accepts the token after `expires` for the leeway of `verify_token`."""

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
    """The tokens that the front accepts: their longest lifetime and the names of their claims. `outside` means that
    another provider signs them."""

    issuer: str
    audience: str
    types: tuple[str, ...] = ("at+jwt",)
    claims: Mapping[str, str] = field(default_factory=dict)
    outside: bool = False
    longest_seconds: float = 3600


class Callers:
    """A bounded cache of verified tokens. Expiry and revocation are checked on every use."""

    def __init__(self, trust: Trust, revocations: Revocations) -> None:
        self._trust = trust
        self._revocations = revocations
        self._known: OrderedDict[bytes, Caller] = OrderedDict()

    def caller(self, token: str, keys: KeySet) -> Caller:
        """Return the caller of a token, from the cache if possible. Raise InvalidToken if the token is not valid."""
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
        """Empty the cache after a change of keys, so that every token is verified again."""
        self._known.clear()

    def _remember(self, digest: bytes, caller: Caller) -> None:
        self._known[digest] = caller
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

    def _verified(self, token: str, keys: KeySet) -> Caller:
        claims = self._claims(token, keys)
        try:
            principal = Principal.from_claims(claims)
            issued = float(claims["iat"])
            expires = min(claims["exp"], issued + self._trust.longest_seconds)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise InvalidToken("a claim has the wrong shape") from error
        if principal.anonymous:
            raise InvalidToken("nobody may be called anonymous")
        if expires + LEEWAY_SECONDS <= time.time():
            raise InvalidToken("lives for longer than it is believed")
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
            except UnknownKey:
                raise  # A failure with a later type must not hide that the keys need a reload.
            except InvalidToken as error:
                failure = error
            else:
                claims = {**mapped(claims, self._trust.claims), "outside": self._trust.outside}
                return within_areas(claims) if self._trust.outside else claims
        raise failure


def bearer(authorization: bytes) -> str:
    """Return the token of an `Authorization: Bearer` header. Raise InvalidToken for any other scheme."""
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise InvalidToken("not a bearer token")
    return token


_LISTS = frozenset({"roles", "aors", "areas"})
_EVERYWHERE, _NOWHERE = "*", "nowhere"


def mapped(claims: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """Copy `claims` and read each mapped claim from its dotted path. If the path is absent, drop the claim. Never read
    it from the top level: an operator who maps `roles` does not trust a top-level claim that happens to have this
    name."""
    result = dict(claims)
    for name, path in mapping.items():
        value = _at(claims, path)
        result.pop(name, None)
        if value is not None:
            result[name] = _shaped(name, value)
    if "client_id" not in result and isinstance(claims.get("azp"), str):
        result["client_id"] = claims["azp"]
    return result


def _at(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _shaped(name: str, value: Any) -> Any:
    if name == "scope" and isinstance(value, list):
        return " ".join(str(item) for item in value)
    if name in _LISTS and isinstance(value, str):
        return value.split()
    return value


def within_areas(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with areas as Ruta encodes them, where an empty list means everywhere. An outside provider
    sends `*` for everywhere. For a person without areas, who coordinates no AoR anywhere, it sends an empty list, null
    or nothing."""
    areas = claims.get("areas")
    if areas is None or areas == []:
        return {**claims, "areas": [_NOWHERE], "aors": []}
    return {**claims, "areas": []} if areas == [_EVERYWHERE] else claims
