"""Clients that authenticate with a key: `private_key_jwt` (RFC 7523, SMART Backend Services), and SMART scopes."""

import time
from typing import Any
from uuid import uuid4

import pytest
from common.auth import smart
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from httpx import AsyncClient, Response
from jose import jwk, jwt

from tests.gateway.conftest import ISSUER, secret_of
from tests.gateway.test_identity import NEW_CLIENT, admin, token_of

__all__ = ["admin"]
CLIENTS = "/identity/v1/clients"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
P384, P256 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- it is refused


def pem(key: Any) -> str:
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, plain).decode())


def public(key: Any, algorithm: str, kid: str = "1", **more: Any) -> dict[str, Any]:
    found = jwk.construct(pem(key), algorithm).public_key().to_dict()
    texts = {k: v.decode() if isinstance(v, bytes) else v for k, v in found.items()}
    return {**texts, "kid": kid, "alg": algorithm, **more}


def assertion(key: Any = P384, algorithm: str = "ES384", kid: str = "1", **claims: Any) -> str:
    said = {
        "iss": "ngo-puente",
        "sub": "ngo-puente",
        "aud": f"{ISSUER}/oauth/token",
        "exp": int(time.time()) + 240,
        "jti": uuid4().hex,
        **claims,
    }
    said = {name: value for name, value in said.items() if value is not None}
    return str(jwt.encode(said, pem(key), algorithm, headers={"kid": kid}))


async def made(admin: AsyncClient, *keys: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {**NEW_CLIENT, "jwks": {"keys": list(keys)}, **more}
    answer = await admin.post(CLIENTS, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ask(issuer: AsyncClient, signed: str, **form: str) -> Response:
    body = {"client_assertion_type": TYPE, "client_assertion": signed, **form}
    return await issuer.post("/oauth/token", data={"grant_type": "client_credentials", **body})


@pytest.mark.parametrize(
    ("key", "algorithm"), [(P384, "ES384"), (RSA, "RS384"), (P256, "ES256"), (RSA, "RS256")]
)
async def test_a_client_gets_a_token_by_what_its_key_signed(
    admin: AsyncClient, issuer: AsyncClient, key: Any, algorithm: str
) -> None:
    client = await made(admin, public(key, algorithm))
    assert client["secret"] is None
    assert client["jwks"]["keys"][0]["kid"] == "1"
    answer = await ask(issuer, assertion(key, algorithm))
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "directory:read referrals:read"


async def test_an_assertion_opens_once(admin: AsyncClient, issuer: AsyncClient) -> None:
    await made(admin, public(P384, "ES384"))
    signed = assertion()
    assert [(await ask(issuer, signed)).status_code for _ in range(2)] == [200, 401]


REFUSED = {
    "another key": {"key": ec.generate_private_key(ec.SECP384R1())},
    "an unknown key": {"kid": "2"},
    "another algorithm": {"key": RSA, "algorithm": "RS256"},
    "another endpoint": {"aud": "https://elsewhere.example/oauth/token"},
    "another issuer": {"iss": "ngo-salud"},
    "no end": {"exp": None},
    "a long life": {"exp": int(time.time()) + 3600},
    "an end that is past": {"exp": int(time.time()) - 120},
    "no jti": {"jti": None},
    "a jti that is no text": {"jti": ["a"]},
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
async def test_what_proves_nothing_gives_no_token(
    admin: AsyncClient, issuer: AsyncClient, change: dict[str, Any]
) -> None:
    await made(admin, public(P384, "ES384"))
    answer = await ask(issuer, assertion(**change))
    assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client")
    assert (await ask(issuer, assertion())).status_code == 200, "and nothing else changed"


@pytest.mark.parametrize("signed", ["", "x", "a.b.c", assertion(sub="nobody"), assertion(sub=None)])
async def test_who_names_no_client_gets_no_token(issuer: AsyncClient, signed: str) -> None:
    answer = await ask(issuer, signed)
    assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client")


async def test_a_client_with_keys_proves_itself_by_nothing_else(
    admin: AsyncClient, issuer: AsyncClient
) -> None:
    secret = (await admin.post(CLIENTS, json=NEW_CLIENT)).json()["secret"]
    assert await token_of(issuer, "ngo-puente", secret) == 200
    etag = (await admin.get(f"{CLIENTS}/ngo-puente")).headers["etag"]
    body = {"jwks": {"keys": [public(P384, "ES384")]}}
    changed = await admin.patch(f"{CLIENTS}/ngo-puente", json=body, headers={"If-Match": etag})
    assert changed.status_code == 200, changed.text
    assert await token_of(issuer, "ngo-puente", secret) == 401
    both = await ask(issuer, assertion(), client_id="ngo-puente", client_secret=secret)
    assert both.json()["error"] == "invalid_request"
    assert (await ask(issuer, assertion(), client_id="ngo-salud")).status_code == 401
    other = await ask(issuer, assertion(), client_assertion_type="saml")
    assert (other.status_code, other.json()["error"]) == (400, "invalid_request")
    assert (await ask(issuer, assertion())).status_code == 200
    renewed = (await admin.post(f"{CLIENTS}/ngo-puente/secret")).json()["secret"]
    assert (await ask(issuer, assertion())).status_code == 401, "a new secret ends the keys"
    assert await token_of(issuer, "ngo-puente", renewed) == 200


async def test_a_secret_does_not_serve_for_an_assertion(issuer: AsyncClient) -> None:
    signed = assertion(iss="ngo-salud", sub="ngo-salud")
    assert (await ask(issuer, signed)).status_code == 401


BAD = {
    "none": {"keys": []},
    "no list": {"keys": {}},
    "six": {"keys": [public(P384, "ES384", str(n)) for n in range(6)]},
    "one name twice": {"keys": [public(P384, "ES384")] * 2},
    "no name": {"keys": [public(P384, "ES384", "")]},
    "a private key": {"keys": [{**public(P384, "ES384"), "d": "AAAA"}]},
    "a shared secret": {"keys": [{"kty": "oct", "kid": "1", "k": "AAAA"}]},
    "a small one": {"keys": [public(SMALL, "RS384")]},
    "for encryption": {"keys": [public(P384, "ES384", use="enc")]},
    "an algorithm that does not fit": {"keys": [public(P384, "ES384", alg="ES256")]},
    "no point of the curve": {"keys": [{**public(P384, "ES384"), "x": "AAAA"}]},
    "a number": {"keys": [7]},
    "deep": {"keys": [{"kty": "EC", "crv": ["P-384"], "kid": "1", "x": {}, "y": []}]},
}


@pytest.mark.parametrize("jwks", BAD.values(), ids=BAD)
async def test_keys_that_cannot_serve_are_refused(admin: AsyncClient, jwks: dict[str, Any]) -> None:
    answer = await admin.post(CLIENTS, json={**NEW_CLIENT, "jwks": jwks})
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/jwks"}
    assert (await admin.get(f"{CLIENTS}/ngo-puente")).status_code == 404


async def test_smart_scopes_are_given_as_announced_and_no_further(issuer: AsyncClient) -> None:
    document = (await issuer.get("/.well-known/openid-configuration")).json()
    announced = [s for s in document["scopes_supported"] if s.startswith("system/")]
    assert announced == list(smart.ANNOUNCED)
    assert "private_key_jwt" in document["token_endpoint_auth_methods_supported"]

    async def given(scope: str, client: str = "ngo-salud") -> tuple[int, str]:
        known = {"client_id": client, "client_secret": secret_of(client)}
        form = {"grant_type": "client_credentials", **known, "scope": scope}
        answer = await issuer.post("/oauth/token", data=form)
        return answer.status_code, answer.json().get("scope", answer.json().get("error"))

    for scope in announced:
        assert await given(scope) == (200, scope)
    assert await given("system/Task.r directory:read") == (200, "directory:read system/Task.r")
    for scope in (
        "system/Task.d",
        "system/Task.",
        "system/Task.sr",
        "system/Task.read",
        "system/Patient.c",
        "system/*.cruds",
        "system/Observation.rs",
        "user/Task.rs",
        "system/Task.rs?status=requested",
        "system/Task.rs admin",
    ):
        assert await given(scope) == (400, "invalid_scope"), scope
    # An auditor may read but not write; a client without referrals:read gets neither scope.
    assert (await given("system/Task.rs", "auditor"))[0] == 200
    assert await given("system/Task.u", "auditor") == (400, "invalid_scope")
    assert await given("system/Task.rs", "health-cluster") == (400, "invalid_scope")
