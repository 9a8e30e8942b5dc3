"""The attacks in the attack table that need a real service behind the front."""

import json
import time
import uuid
from typing import Any

import httpx
import pytest
from common.auth import mint_token
from gateway.keys import named_jwk, new_private_pem

from tests.attacks.test_access_tokens import twin
from tests.support.system import System

pytestmark = pytest.mark.system

CASES = "/referrals/v1/cases"
CASE: dict[str, Any] = {
    "identity": {"name": "Persona ficticia", "age": 27},
    "attributes": {"sex": "female"},
    "area": "VE2313",
}


def call(
    system: System, client: str | None, method: str, path: str, **options: Any
) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid.uuid4()), **options.pop("headers", {})}
    return system.running.request(client, method, path, headers=headers, **options)


@pytest.fixture(scope="module")
def case(system: System) -> str:
    made = call(system, "ngo-refugio", "POST", CASES, json=CASE)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def count(system: System) -> int:
    """Return the number of the organisation's cases, which an attack must not increase."""
    total, cursor = 0, None
    while True:
        params = {"limit": 500} | ({"cursor": cursor} if cursor else {})
        page = call(system, "ngo-refugio", "GET", CASES, params=params).json()
        total += len(page["items"])
        cursor = page.get("next_cursor")
        if cursor is None:
            return total


@pytest.mark.parametrize("client", ["ngo-salud", "ngo-legal", "ngo-salud-supervisor"])
def test_a_foreign_case_does_not_exist(system: System, case: str, client: str) -> None:
    """BOLA: another organisation's case gets the same response as an unknown id."""
    for method, path in (
        ("GET", f"{CASES}/{case}"),
        ("PATCH", f"{CASES}/{case}"),
        ("POST", f"{CASES}/{case}/close"),
    ):
        nobody = path.replace(case, str(uuid.uuid4()))
        body: dict[str, str] | None = None if method == "GET" else {}
        foreign = call(system, client, method, path, json=body)
        absent = call(system, client, method, nobody, json=body)
        assert foreign.status_code in {404, 422}
        assert foreign.status_code == absent.status_code
        mine, theirs = foreign.json(), absent.json()
        assert (mine["code"], mine["detail"]) == (theirs["code"], theirs["detail"])


@pytest.mark.parametrize("client", ["gbv-coordinator", "im-officer", "auditor", "health-cluster"])
def test_a_role_that_has_no_business_with_cases_is_forbidden(
    system: System, case: str, client: str
) -> None:
    assert call(system, client, "GET", f"{CASES}/{case}").status_code == 403


@pytest.mark.parametrize(
    "extra", ["id", "organisation_id", "version", "created_at", "state", "__proto__", "roles"]
)
def test_fields_that_are_not_offered_are_refused(system: System, extra: str) -> None:
    """Mass assignment."""
    before = count(system)
    answer = call(system, "ngo-refugio", "POST", CASES, json={**CASE, extra: "x"})
    assert answer.status_code == 422
    assert f"/{extra}" in {error["pointer"] for error in answer.json()["errors"]}
    assert count(system) == before


DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("nul", json.dumps({**CASE, "area": "VE\x0023"})),
        ("nul in a text", json.dumps({**CASE, "identity": {"name": "a\x00b"}})),
        ("lone surrogate", json.dumps({**CASE, "identity": {"name": "\ud800"}})),
        ("huge number", json.dumps({**CASE, "identity": {"name": "x", "age": 10**30}})),
        ("infinity", '{"identity": {"name": "x", "age": Infinity}}'),
        ("nan", '{"identity": {"name": "x", "age": NaN}}'),
        ("deep", DEEP),
        ("deep list", "[" * 50_000 + "]" * 50_000),
        ("two documents", "{}{}"),
        ("no json", "<xml/>"),
        ("empty", ""),
        ("bad utf-8", b'{"area": "\xff\xfe"}'),
        ("a list", "[]"),
        ("null", "null"),
        ("huge", json.dumps({**CASE, "identity": {"name": "x" * 10_000_000}})),
        ("many keys", json.dumps({f"k{i}": i for i in range(50_000)})),
    ],
)
def test_a_hostile_body_is_4xx_and_writes_nothing(
    system: System, name: str, body: str | bytes
) -> None:
    before = count(system)
    content = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    headers = {"Content-Type": "application/json"}
    answer = call(system, "ngo-refugio", "POST", CASES, content=content, headers=headers)
    assert 400 <= answer.status_code < 500, (name, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    assert count(system) == before


@pytest.mark.parametrize("query", ["limit=-1", "limit=1e9", "cursor=%00", "cursor=AAAA", "limit="])
def test_a_hostile_query_is_4xx(system: System, query: str) -> None:
    answer = call(system, "ngo-refugio", "GET", f"{CASES}?{query}")
    assert 400 <= answer.status_code < 500


def test_an_idempotency_key_is_one_command(system: System) -> None:
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    first = call(system, "ngo-refugio", "POST", CASES, json=CASE, headers=key)
    again = call(system, "ngo-refugio", "POST", CASES, json=CASE, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = call(system, "ngo-refugio", "POST", CASES, json={**CASE, "area": "VE18"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    # A key belongs to its client, so another organisation's command with the same key is a separate command.
    foreign = call(system, "ngo-salud", "POST", CASES, json=CASE, headers=key)
    assert foreign.status_code == 201
    assert foreign.json()["id"] != first.json()["id"]
    bare = system.running.request("ngo-refugio", "POST", CASES, json=CASE)
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_missing")


def test_an_edit_without_or_with_an_old_version_is_refused(system: System) -> None:
    path = "/identity/v1/clients/health-cluster"
    missing = call(system, "im-officer", "PATCH", path, json={"name": "x"})
    assert missing.status_code == 428
    old = call(system, "im-officer", "PATCH", path, json={"name": "x"}, headers={"If-Match": '"0"'})
    assert old.status_code == 412


DOORS = {
    "directory": "/directory/v1/records/services",
    "referrals": CASES,
    "reporting": "/reports/v1/indicators",
    "issuer": "/identity/v1/clients",
}


def inner(service: str, pem: str, seconds: int = 60) -> str:
    """Return an internal token for `service`, signed with this key."""
    claims = {
        "iss": "ruta-gateway",
        "aud": f"ruta-{service}",
        "sub": "ngo-refugio",
        "client_id": "ngo-refugio",
        "exp": int(time.time()) + seconds,
        "scope": "directory:read referrals:read reports:read admin",
        "roles": ["admin", "partner"],
        "org": str(uuid.uuid4()),
    }
    kid = named_jwk(pem)["kid"]
    return mint_token(claims, private_pem=pem, kid=kid, algorithm="ES256", typ="ruta-int+jwt")


@pytest.mark.parametrize("service", DOORS)
def test_a_service_takes_one_text_of_a_token_and_none_of_days(system: System, service: str) -> None:
    url = f"http://127.0.0.1:{system.state.ports[service]}{DOORS[service]}"
    pem = (system.layout.keys / "internal.pem").read_text()
    token, days = inner(service, pem), inner(service, pem, 2 * 86_400)

    def answers(token: str) -> int:
        return httpx.get(url, headers={"Authorization": f"Bearer {token}"}).status_code

    assert answers(token) != 401
    for other in (twin(token), f"{token}=", f"{token}==", days):
        assert answers(other) == 401


@pytest.mark.parametrize("service", DOORS)
def test_a_service_called_around_the_gateway_says_401(system: System, service: str) -> None:
    port, path = system.state.ports[service], DOORS[service]
    forged = inner(service, new_private_pem())
    access = system.running.token("ngo-refugio")
    for headers in (
        {},
        {"Authorization": f"Bearer {access}"},
        {"Authorization": f"Bearer {forged}"},
        {"X-Organisation": str(uuid.uuid4()), "X-Roles": "admin"},
    ):
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers)
        assert answer.status_code == 401, (service, headers)
