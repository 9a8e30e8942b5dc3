"""`/oauth/token`: RFC 6749 §4.4 and §5, RFC 9068, and password guessing."""

import base64
from datetime import timedelta

import pytest
from common import clock
from common.auth import KeySet, Principal, verify_token
from common.db.session import Database
from fastapi import FastAPI
from gateway.issuer import bootstrap
from gateway.issuer.secrets import SecretChecks
from httpx import AsyncClient, Response

from tests.gateway.conftest import ISSUER, demo_clients, secret_of


async def ask(issuer: AsyncClient, client: str, secret: str, **form: str) -> Response:
    return await issuer.post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": secret,
            **form,
        },
    )


def basic(client: str, secret: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{client}:{secret}".encode()).decode()
    return {"Ruta-Client-Authorization": f"Basic {encoded}"}


async def test_a_client_with_its_secret_gets_a_token_that_its_jwks_verifies(
    issuer: AsyncClient,
) -> None:
    answer = await ask(issuer, "gbv-coordinator", secret_of("gbv-coordinator"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 600

    keys = KeySet.from_jwks((await issuer.get("/.well-known/jwks.json")).json())
    claims = verify_token(body["access_token"], keys, issuer=ISSUER, audience="ruta", typ="at+jwt")
    principal = Principal.from_claims(claims)
    assert principal.client_id == principal.subject == "gbv-coordinator"
    assert principal.aors == {"GBV"}
    assert "directory:curate" in principal.scopes
    assert 599 <= claims["exp"] - claims["iat"] <= 600
    assert claims["jti"]


async def test_the_secret_may_come_in_the_authorization_header(issuer: AsyncClient) -> None:
    answer = await issuer.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers=basic("ngo-salud", secret_of("ngo-salud").replace(" ", "+")),
    )
    assert answer.status_code == 200


async def test_a_client_may_ask_for_fewer_scopes_but_not_for_more(issuer: AsyncClient) -> None:
    secret = secret_of("ngo-refugio")
    fewer = await ask(issuer, "ngo-refugio", secret, scope="directory:read")
    assert fewer.json()["scope"] == "directory:read"
    more = await ask(issuer, "ngo-refugio", secret, scope="directory:read admin")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("client", "secret"),
    [("ngo-refugio", "a wrong secret"), ("nobody", "anything"), ("ngo-refugio", "")],
)
async def test_unknown_client_and_wrong_secret_look_the_same(
    issuer: AsyncClient, client: str, secret: str
) -> None:
    answer = await ask(issuer, client, secret)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_client",
        "error_description": "Unknown client, wrong secret, or client not active.",
    }


@pytest.mark.parametrize(
    ("content", "content_type", "error"),
    [
        (b"{}", "application/json", "invalid_request"),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", "invalid_request"),
        (b"%ff", "application/x-www-form-urlencoded", "invalid_request"),
        (b"grant_type=x%00", "application/x-www-form-urlencoded", "invalid_request"),
        (b"", "application/x-www-form-urlencoded", "invalid_request"),
        (b"grant_type=password", "application/x-www-form-urlencoded", "unsupported_grant_type"),
    ],
)
async def test_what_is_no_token_request_is_answered_as_rfc_6749_says(
    issuer: AsyncClient, content: bytes, content_type: str, error: str
) -> None:
    answer = await issuer.post(
        "/oauth/token", content=content, headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_guessing_is_slowed_down_only_for_the_source_that_guesses(
    issuer: AsyncClient,
) -> None:
    for _ in range(5):
        assert (await ask(issuer, "ngo-refugio", "wrong")).status_code == 401
    right = secret_of("ngo-refugio")
    blocked = await ask(issuer, "ngo-refugio", right)
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) in {1, 2}

    issuer.headers["Ruta-Source"] = "the partner's own system"
    assert (await ask(issuer, "ngo-refugio", right)).status_code == 200

    issuer.headers["Ruta-Source"] = "here"
    with clock.shifted(timedelta(seconds=3)):
        assert (await ask(issuer, "ngo-refugio", right)).status_code == 200
        assert (await ask(issuer, "ngo-refugio", "wrong")).status_code == 401


async def test_one_source_that_tries_many_names_is_slowed_down_too(issuer: AsyncClient) -> None:
    """Signing in under another name does not help, because success clears only that name's failures. People who share
    an address do not wait for a neighbour who mistypes."""
    for number in range(28):
        assert (await ask(issuer, f"client-{number}", "guess")).status_code == 401
    mistyped, right = "wrong", secret_of("ngo-refugio")
    assert (await ask(issuer, "ngo-refugio", mistyped)).status_code == 401
    assert (await ask(issuer, "ngo-refugio", right)).status_code == 200
    for number in (28, 29):
        assert (await ask(issuer, f"client-{number}", "guess")).status_code == 401
    assert (await ask(issuer, "client-30", "guess")).status_code == 429


async def test_bootstrap_makes_what_is_missing_and_leaves_the_rest(
    issuer_app: FastAPI, issuer_db: Database
) -> None:
    assert issuer_app.state.context.settings.service == "issuer"
    assert await bootstrap.load(issuer_db, SecretChecks(), demo_clients()) == 0


async def test_discovery_names_what_is_really_there(issuer: AsyncClient) -> None:
    for path in ("openid-configuration", "oauth-authorization-server"):
        document = (await issuer.get(f"/.well-known/{path}")).json()
        assert document["issuer"] == ISSUER
        assert document["token_endpoint"] == f"{ISSUER}/oauth/token"
        assert document["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json"
