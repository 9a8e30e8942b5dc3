"""What partners get that is made from the code: texts of problems, collection, client."""

import httpx
import pytest
from common.errors import CATALOGUE
from stack.reference.client import reduced
from stack.reference.errors_page import declare_all, problem_texts
from stack.reference.postman import collection
from stack.reference.session import RutaProblem, Session

DOCUMENT = {
    "info": {"title": "T"},
    "servers": [{"url": "http://here"}],
    "components": {
        "schemas": {
            "New-Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "from": {"$ref": "#/components/x/Other"},
                },
                "examples": [{"name": "Ana"}],
            },
            "Other": {"enum": ["a", "b"]},
        }
    },
    "paths": {
        "/v1/things/{thing-id}": {
            "post": {
                "operationId": "post_thing",
                "tags": ["things"],
                "x-ruta-access": {"anonymous": True},
                "parameters": [
                    {"name": "thing-id", "in": "path", "required": True},
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/New-Thing"}}
                    }
                },
                "responses": {"204": {"description": "done"}},
            }
        }
    },
}


def test_every_problem_is_explained_in_spanish_too() -> None:
    declare_all()
    spanish = problem_texts()
    assert set(CATALOGUE) - set(spanish) == set()
    without = [c for c, k in CATALOGUE.items() if k.remedy and not spanish[c][1]]
    assert without == []


def test_a_postman_request_has_the_operations_parts() -> None:
    (folder,) = collection(DOCUMENT)["item"]
    request = folder["item"][0]["request"]
    assert request["url"]["raw"] == "{{baseUrl}}/v1/things/:thing-id"
    assert {h["key"] for h in request["header"]} == {"Accept", "Idempotency-Key", "If-Match"}
    assert '"name": "Ana"' in request["body"]["raw"]
    assert request["auth"] == {"type": "noauth"}


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
