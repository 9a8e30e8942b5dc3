"""The typed client for partners."""

import httpx
import pytest
from stack.reference.client import reduced
from stack.reference.session import RutaProblem, Session

ASKED = httpx.Request("POST", "https://ruta.example/referrals/v1/cases", json={})
TOKEN = httpx.Response(200, json={"access_token": "first", "expires_in": 600})


def session() -> Session:
    return Session("https://ruta.example/oauth/token", "ngo", "secret")


def test_the_client_asks_again_with_the_same_key_and_a_token_that_lives() -> None:
    flow = session().sync_auth_flow(ASKED)
    asked = next(flow)
    assert (str(asked.url), asked.content) == (
        "https://ruta.example/oauth/token",
        b"grant_type=client_credentials",
    )
    assert asked.headers["Authorization"].startswith("Basic ")
    sent = flow.send(TOKEN)
    key = sent.headers["Idempotency-Key"]
    assert sent.headers["Authorization"] == "Bearer first"
    sent = flow.send(httpx.Response(503, headers={"Retry-After": "0"}))
    assert sent.headers["Idempotency-Key"] == key
    assert flow.send(httpx.Response(401)).url.path == "/oauth/token"
    sent = flow.send(httpx.Response(200, json={"access_token": "second", "expires_in": 600}))
    assert (sent.headers["Authorization"], sent.headers["Idempotency-Key"]) == (
        "Bearer second",
        key,
    )
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(201, json={}))


def test_the_client_tells_a_refusal_by_its_code_and_gives_up_in_the_end() -> None:
    flow = session().sync_auth_flow(ASKED)
    next(flow)
    flow.send(TOKEN)
    with pytest.raises(RutaProblem) as refused:
        flow.send(httpx.Response(409, json={"code": "open_referrals", "pointer": "/status"}))
    assert (refused.value.status, refused.value.code) == (409, "open_referrals")
    flow = session().sync_auth_flow(ASKED)
    next(flow)
    flow.send(TOKEN)
    busy = httpx.Response(429, headers={"Retry-After": "0"})
    assert [flow.send(busy).url for _ in range(3)] == [ASKED.url] * 3
    with pytest.raises(RutaProblem) as refused:
        flow.send(busy)
    assert refused.value.status == 429


def test_a_client_without_an_id_asks_as_nobody() -> None:
    flow = Session("https://ruta.example/oauth/token", "", "").sync_auth_flow(
        httpx.Request("GET", "https://ruta.example/", headers={"Authorization": ""})
    )
    sent = next(flow)
    assert not {"authorization", "idempotency-key"} & {*sent.headers}


def test_the_client_is_told_of_successes_and_makes_keys_itself() -> None:
    document = {
        "paths": {
            "/x": {
                "post": {
                    "parameters": [{"name": "Idempotency-Key", "required": True}],
                    "responses": {"201": {}, "409": {}},
                }
            }
        }
    }
    told = reduced(document)["paths"]["/x"]["post"]
    assert told["responses"] == {"201": {}}
    assert told["parameters"] == [{"name": "Idempotency-Key", "required": False}]
