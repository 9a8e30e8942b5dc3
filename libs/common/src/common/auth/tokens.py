"""Turns tokens into trusted claims. Only `verify_token()` does this, and nothing else uses jose.

python-jose accepts tokens that it should reject (missing claims, an unknown `crit`, the wrong `kid`, an `iat` next
year) and raises other errors on hostile input. This module therefore chooses the key itself, checks the header first
and the claims afterwards, and turns every failure into `InvalidToken`.
"""

import time
from collections.abc import Collection, Mapping
from typing import Any

from jose import jwt
from jose.utils import base64url_decode, base64url_encode

from common import json_once
from common.auth.keys import ALGORITHMS, ASSERTION_ALGORITHMS, KeySet
from common.clocks import BETWEEN_PROCESSES_SECONDS

MAX_TOKEN_BYTES = 8192
LONGEST_SECONDS = 86_400
LEEWAY_SECONDS = 30
ASSERTION_SECONDS = 300
"""A client's assertion lives for five minutes at most (SMART App Launch 2.2 §4.1.5.2)."""
_FORBIDDEN_HEADERS = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip"})
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256's group (SEC 2 §2.4.2): if (r, s) is a valid signature, so is (r, order - s)."""
_REQUIRED = ("aud", "iat", "exp", "iss", "sub")


class InvalidToken(Exception):
    """The token is not valid. The message is for logs and tests, never for the caller."""


class UnknownKey(InvalidToken):
    """No key has this `kid`. A caller that can fetch keys may reload them once."""

    def __init__(self, kid: str) -> None:
        super().__init__("no key with this id for this algorithm")
        self.kid = kid


def verify_token(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    audience: str,
    typ: str,
    leeway: float = LEEWAY_SECONDS,
    outside: bool = False,
    algorithms: Collection[str] = tuple(ALGORITHMS),
    required: Collection[str] = _REQUIRED,
) -> dict[str, Any]:
    """Return the claims of a token that one of `keys` signed for `audience`. Raise InvalidToken for any other token.

    `typ` is compared as in RFC 8725 §3.11 (`application/` optional). `leeway` is in seconds after expiry. `outside`
    means that another issuer signs. That issuer may use either form of an ES256 signature, while our own signatures
    must have the low s. Its tokens may also have a longer lifetime, which the caller limits.
    """
    try:
        header = _header(token)
        _check_header(header, typ, algorithms)
        key = keys.find(header["kid"], header["alg"])
        if key is None:
            raise UnknownKey(header["kid"])
        if header["alg"] == "ES256" and not outside and _lowered(token) != token:
            raise InvalidToken("the signature has its twin's s")
        claims = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            audience=audience,
            issuer=issuer,
            options={**{f"require_{claim}": True for claim in required}, "leeway": leeway},
        )
        _check_claims({"iat": 0, **claims}, leeway, outside=outside)
    except InvalidToken:
        raise
    except RecursionError as error:
        raise InvalidToken("nested too deep") from error
    except Exception as error:
        raise InvalidToken(f"{type(error).__name__}: {error}") from error
    return dict(claims)


def client_named_by(assertion: str) -> str:
    """Return the client whose keys may have signed this assertion (RFC 7523 §3). Nothing is verified yet. Raise
    InvalidToken if it names no client."""
    try:
        return str(jwt.get_unverified_claims(assertion)["sub"])
    except Exception as error:
        raise InvalidToken("names no client") from error


def verify_assertion(token: str, keys: KeySet, *, client_id: str, audience: str) -> dict[str, Any]:
    """Return the claims of a client's assertion (RFC 7523 §3) for the token endpoint `audience`. Raise InvalidToken if
    it is not valid. The assertion is valid for at most five minutes and has a `jti`, which the caller accepts only
    once."""
    claims = verify_token(
        token,
        keys,
        issuer=client_id,
        audience=audience,
        typ="jwt",
        outside=True,
        algorithms=ASSERTION_ALGORITHMS,
        required=("aud", "exp", "iss", "sub", "jti"),
    )
    if claims["exp"] > time.time() + ASSERTION_SECONDS + LEEWAY_SECONDS:
        raise InvalidToken("lives for more than five minutes")
    if not isinstance(claims["jti"], str) or not claims["jti"]:
        raise InvalidToken("no jti")
    return claims


def mint_token(
    claims: Mapping[str, Any], *, private_pem: str, kid: str, algorithm: str, typ: str
) -> str:
    """Sign `claims`, adding `iat` if it is absent."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"tokens are signed with {' or '.join(ALGORITHMS)}, not {algorithm}")
    payload = {"iat": int(time.time()), **claims}
    token = str(jwt.encode(payload, private_pem, algorithm, headers={"kid": kid, "typ": typ}))
    return _lowered(token) if algorithm == "ES256" else token


def _lowered(token: str) -> str:
    """Return the same ES256 token with the low s. Anybody can compute either form from the other."""
    text, _, signature = token.rpartition(".")
    content = base64url_decode(signature.encode())
    s = int.from_bytes(content[32:], "big")
    lower = min(s, _ORDER - s) % _ORDER
    return f"{text}.{base64url_encode(content[:32] + lower.to_bytes(32, 'big')).decode()}"


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_BYTES or not token.isascii() or token.count(".") != 2:
        raise InvalidToken("not a compact JWS of acceptable size")
    head, payload, _ = (_canonical(part) for part in token.split("."))
    header = json_once.loads(head)
    json_once.refuse_repeated_names(payload)
    if not isinstance(header, dict):
        raise InvalidToken("the header is no object")
    return header


def _canonical(part: str) -> bytes:
    """Decode a part (RFC 7515 §2). Raise InvalidToken for padding or spare bits, so that each token has only one
    encoding."""
    content: bytes = base64url_decode(part.encode())
    if base64url_encode(content).decode() != part:
        raise InvalidToken("not canonical base64url")
    return content


def _check_header(header: Mapping[str, Any], typ: str, algorithms: Collection[str]) -> None:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken("algorithm not accepted")
    if _FORBIDDEN_HEADERS & header.keys():
        raise InvalidToken("a header parameter that is not accepted")
    if not isinstance(header.get("kid"), str):
        raise InvalidToken("no key id")
    declared = header.get("typ")
    if not isinstance(declared, str) or declared.lower().removeprefix("application/") != typ:
        raise InvalidToken("wrong type of token")


def _check_claims(claims: Mapping[str, Any], leeway: float, *, outside: bool) -> None:
    now = time.time()
    for name in ("exp", "iat"):
        value = claims.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidToken(f"{name} is no number")
    # The issuer's clock is ahead, which does not weaken the proof.
    if claims["iat"] > now + BETWEEN_PROCESSES_SECONDS:
        raise InvalidToken("issued in the future")
    if claims["exp"] <= now - leeway:
        raise InvalidToken("expired")
    if not outside and claims["exp"] > now + LONGEST_SECONDS:
        raise InvalidToken("lives for more than a day")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise InvalidToken("no subject")
