"""Each invalid token must give 401, whatever python-jose would accept."""

import base64
import hashlib
import hmac
import json
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from common.auth import mint_token
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from gateway.keys import named_jwk, new_private_pem

from tests.gateway.whole_gateway import Gateway

Claims = dict[str, Any]
MISSING = object()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""


def encoded(value: bytes | str | Any) -> str:
    if not isinstance(value, bytes):
        value = (value if isinstance(value, str) else json.dumps(value)).encode()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signing_key(gateway: Gateway) -> tuple[str, str]:
    """Return the issuer's real signing key, which makes the attacks below stronger."""
    folder = gateway.folder / "signing"
    register = json.loads((folder / "ring.json").read_text())
    kid = next(key["kid"] for key in register["keys"] if key["state"] == "current")
    return kid, Path(folder / f"{kid}.pem").read_text()


def good_claims(gateway: Gateway) -> Claims:
    now = int(time.time())
    return {
        "iss": gateway.url,
        "aud": "ruta",
        "sub": "ngo-refugio",
        "client_id": "ngo-refugio",
        "org": "0190a000-0000-7000-8000-000000000001",
        "iat": now,
        "exp": now + 300,
        "jti": "1",
        "scope": "directory:read",
        "roles": ["partner"],
        "aors": [],
        "areas": [],
    }


def minted(gateway: Gateway, typ: str = "at+jwt", **changes: Any) -> str:
    kid, pem = signing_key(gateway)
    claims = {**good_claims(gateway), **changes}
    claims = {name: value for name, value in claims.items() if value is not MISSING}
    return signed_by_hand({"alg": "ES256", "kid": kid, "typ": typ}, claims, pem)


def signed_by_hand(header: Any, claims: Any, pem: str) -> str:
    """Return a JWS with any header and payload. jose would refuse to create some of these."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    text = f"{encoded(header)}.{encoded(claims)}"
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    low = min(s, ORDER - s)
    return f"{text}.{encoded(r.to_bytes(32, 'big') + low.to_bytes(32, 'big'))}"


def twin(token: str) -> str:
    """Return the other signature of ES256 (r, order - s), which anybody can compute from a token without the key."""
    text, _, signature = token.rpartition(".")
    content = base64.urlsafe_b64decode(signature + "==")
    s = ORDER - int.from_bytes(content[32:], "big")
    return f"{text}.{encoded(content[:32] + s.to_bytes(32, 'big'))}"


def status(gateway: Gateway, token: str) -> int:
    answer = httpx.get(
        f"{gateway.url}/directory/v1/services", headers={"Authorization": f"Bearer {token}"}
    )
    if answer.status_code == 401:
        assert answer.json()["code"] == "unauthenticated"
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    return answer.status_code


def test_the_good_token_of_these_tests_is_good(gateway: Gateway) -> None:
    assert status(gateway, minted(gateway)) == 200


@pytest.mark.parametrize("typ", ["JWT", "ruta-int+jwt", "", "at+JWT+x"])
def test_a_token_of_another_type(gateway: Gateway, typ: str) -> None:
    assert status(gateway, minted(gateway, typ=typ)) == 401


def test_no_algorithm_and_the_public_key_as_a_secret(gateway: Gateway) -> None:
    kid, pem = signing_key(gateway)
    claims = good_claims(gateway)
    bare = f"{encoded({'alg': 'none', 'kid': kid, 'typ': 'at+jwt'})}.{encoded(claims)}."
    assert status(gateway, bare) == 401
    jwk = named_jwk(pem)
    for secret in (json.dumps(jwk), jwk["x"], pem):
        text = f"{encoded({'alg': 'HS256', 'kid': kid, 'typ': 'at+jwt'})}.{encoded(claims)}"
        mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
        assert status(gateway, f"{text}.{encoded(mac)}") == 401


def test_a_key_of_the_attackers_own(gateway: Gateway) -> None:
    pem = new_private_pem()
    kid, _ = signing_key(gateway)
    for name in (kid, named_jwk(pem)["kid"]):
        token = mint_token(
            good_claims(gateway), private_pem=pem, kid=name, algorithm="ES256", typ="at+jwt"
        )
        assert status(gateway, token) == 401


def test_a_second_text_of_a_good_token_and_one_of_days(gateway: Gateway) -> None:
    token = gateway.token()
    days = minted(gateway, exp=int(time.time()) + 2 * 86_400)
    for other in (twin(token), f"{token}=", f"{token}==", days):
        assert status(gateway, other) == 401
    assert status(gateway, token) == 200


def test_an_internal_token_from_outside(gateway: Gateway) -> None:
    """An internal token is not an access token, even if the front's own internal key signed it."""
    pem = (gateway.folder / "internal.pem").read_text()
    claims = {**good_claims(gateway), "iss": "ruta-gateway", "aud": "ruta-directory"}
    token = mint_token(
        claims,
        private_pem=pem,
        kid=named_jwk(pem)["kid"],
        algorithm="ES256",
        typ="ruta-int+jwt",
    )
    assert status(gateway, token) == 401


@pytest.mark.parametrize(
    "value", ["Basic YTpi", "Bearer", "Bearer .", "Negotiate x", "bearer\tx", "Bearer a b", "ü"]
)
def test_an_authorization_that_is_no_bearer_token(gateway: Gateway, value: str) -> None:
    answer = httpx.get(
        f"{gateway.url}/directory/v1/services",
        headers={b"Authorization": value.encode("latin-1")},
    )
    assert answer.status_code in {400, 401}


def test_jku_causes_no_call_to_anywhere(gateway: Gateway) -> None:
    """The front never calls the address in the token."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(1)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json"
        kid, pem = signing_key(gateway)
        for name in ("jku", "x5u"):
            header = {"alg": "ES256", "kid": kid, "typ": "at+jwt", name: url}
            assert status(gateway, signed_by_hand(header, good_claims(gateway), pem)) == 401
        with pytest.raises(TimeoutError):
            listener.accept()
