"""Calls every operation as every demo client and anonymously. The operations come from the route table, so none is
forgotten.

The operation's `x-ruta-access` (written by common.http) and the client's token determine the expected response.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from common.auth import smart
from gateway.front.description.document import operations
from gateway.front.routes import ROUTES, RouteTable, Upstream

from tests.support.patience import PATIENCE
from tests.support.principals import CLIENTS
from tests.support.system import System

pytestmark = pytest.mark.system

CALLERS = ["anonymous", *CLIENTS]
# One plausible value for each path parameter that is not an id.
_VALUES = {
    "aor": "GBV",
    "area": "VE23",
    "period": "2026-11",
    "number": "1",
    "programme_id": "referrals",
    "layout": "0" * 64,
}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    access: dict[str, Any]

    def target(self) -> str:
        """Return the path with a value for each parameter. The ids are new, so the call affects no real data."""
        parts = [self._value(p) if p.startswith("{") else p for p in self.path.split("/")]
        return "/".join(parts)

    @staticmethod
    def _value(part: str) -> str:
        name, _, rest = part[1:].partition("}")
        return _VALUES.get(name, str(uuid.uuid4())) + rest


_PROBLEMS = "application/problem+json, */*"


@pytest.fixture(scope="module")
def document(system: System) -> dict[str, Any]:
    return system.description()


@pytest.fixture(scope="module")
def every_operation(document: dict[str, Any]) -> list[Operation]:
    return [
        Operation(method.upper(), path, operation["x-ruta-access"])
        for path, method, operation in operations(document)
    ]


@pytest.fixture(scope="module")
def callers(system: System) -> Iterator[dict[str, httpx.Client]]:
    made = {
        name: system.caller(None if name == "anonymous" else name, accept=_PROBLEMS)
        for name in CALLERS
    }
    yield made
    for client in made.values():
        client.close()


def test_every_route_of_the_table_has_operations(every_operation: list[Operation]) -> None:
    table = RouteTable()
    counted = Counter(route.prefix for o in every_operation if (route := table.find(o.path)))
    assert set(counted) == {route.prefix for route in ROUTES if not route.for_people}
    assert len(every_operation) > 150


def test_every_operation_states_its_access_and_its_errors(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        access = operation["x-ruta-access"]
        assert access["anonymous"] is (access.get("scope") is None), (method, path)
        for status in ("401", "403", "404", "422", "429", "503"):
            assert status in operation["responses"], (method, path, status)
        assert operation["operationId"], (method, path)


def _expected(access: dict[str, Any], holds: dict[str, Any] | None) -> str:
    """Return the response that follows from the operation's rule and the caller's token."""
    if access["anonymous"]:
        return "let in"
    if holds is None:
        return "401"
    scopes = {access["scope"], *access.get("or_scopes", [])}
    if not scopes & set(holds["scope"].split()):
        return "403"
    if access.get("roles") and not set(access["roles"]) & set(holds["roles"]):
        return "403"
    return "let in"


def _got(answer: httpx.Response) -> str:
    if answer.status_code == 401:
        return "401"
    if answer.status_code == 403 and {"needed_scope", "needed_roles"} & answer.json().keys():
        return "403"
    return "let in"


@pytest.mark.parametrize("caller", CALLERS)
def test_each_caller_is_let_in_exactly_where_the_operation_says(
    every_operation: list[Operation], callers: dict[str, httpx.Client], caller: str
) -> None:
    wrong = []
    client = callers[caller]
    holds = client.get("/oauth/userinfo").json() if caller != "anonymous" else None
    for operation in every_operation:
        if "/oauth/" in operation.path:
            continue  # OAuth's own protocol: tests/gateway/test_token_endpoint.py.
        answer = client.request(operation.method, operation.target())
        if operation.path == "/identity/v1/keys/rotate" and answer.status_code == 200:
            continue
        expected = _expected(operation.access, holds)
        if _got(answer) != expected or answer.status_code >= 500:
            wrong.append((operation.method, operation.path, expected, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("scope", smart.ANNOUNCED)
def test_a_smart_scope_lets_in_exactly_where_the_operation_says(
    system: System, every_operation: list[Operation], scope: str
) -> None:
    wrong = []
    form = {"grant_type": "client_credentials", "scope": scope}
    known = "ngo-salud", system.running.secret("ngo-salud")
    given = httpx.post(f"{system.running.url}/oauth/token", data=form, auth=known).json()
    headers = {"Accept": _PROBLEMS, "Authorization": f"Bearer {given['access_token']}"}
    with httpx.Client(base_url=system.running.url, headers=headers, timeout=PATIENCE) as client:
        holds = client.get("/oauth/userinfo").json()
        assert holds["scope"] == scope
        for operation in every_operation:
            if "/fhir" not in operation.path and scope != "system/Task.crus":
                continue  # Only one scope tries all operations.
            if "/oauth/" in operation.path:
                continue
            answer = client.request(operation.method, operation.target())
            expected = _expected(operation.access, holds)
            if _got(answer) != expected or answer.status_code >= 500:
                wrong.append((operation.method, operation.path, expected, answer.status_code))
    assert wrong == []


def test_a_slash_at_the_end_leads_nowhere(
    every_operation: list[Operation], callers: dict[str, httpx.Client]
) -> None:
    """A redirect for a trailing slash exposed the service's internal address, and sent the body and the secret there
    unencrypted."""
    client = callers["im-officer"]
    asked = [(o.method, f"{o.target().rstrip('/')}/") for o in every_operation]
    asked += [(m, f"/console{p}/") for m in ("GET", "POST") for p in ("", "/cases", "/line")]
    led = []
    for method, path in asked:
        answer = client.request(method, path, follow_redirects=False)
        if "location" in answer.headers or answer.is_redirect or answer.status_code >= 500:
            led.append((method, path, answer.status_code))
    assert led == []


def test_what_a_service_keeps_to_itself_is_not_reachable(callers: dict[str, httpx.Client]) -> None:
    for path in (
        "/internal/issuer/revocations",
        "/internal/issuer/people",
        "/internal/people",
        "/internal/directory/openapi.json",
        "/directory/healthz",
        "/console/healthz",
    ):
        assert callers["im-officer"].get(path).status_code in {400, 404}
    assert len(Upstream) == 5
