"""Calls each operation with every described value of each query parameter, as every role, on demo data. None may fail
with 5xx.

Where the demo has one row, the test adds a second, because a subquery may return only one row. The values come from the
description, so new ones are included.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from common import clock
from gateway.front.description.document import operations

from tests.support.principals import CLIENTS, keyed
from tests.support.system import System
from tests.support.unknown_parameters import target

pytestmark = pytest.mark.system

CALLERS = [
    "anonymous",
    *{str(rights): name for name, (_, rights, _) in reversed(CLIENTS.items())}.values(),
]
"""One of each role."""
_LONGEST = 200
"""Characters of a text and members of a list that has a higher bound or none."""


def values(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    """Yield each code, both booleans, both ends of a range, and one value for each format."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    for part in (*schema.get("anyOf", ()), *filter(None, [schema.get("items")])):
        yield from values(part, schemas)
    yield from map(str, schema.get("enum", ()))
    if "const" in schema:
        yield str(schema["const"])
    match schema.get("type"), schema.get("format"):
        case "boolean", _:
            yield from ("true", "false")
        case (("integer" | "number"), _):
            low, high = schema.get("minimum", -(2**31)), schema.get("maximum", 2**31 - 1)
            yield from (str(low), str(high))
        case "string", "uuid":
            yield "0190a000-0000-7000-8000-000000000001"
        case "string", "date":
            yield from ("0001-01-01", "2026-11-30", "9999-12-31")
        case "string", "date-time":
            yield from ("0001-01-01T00:00:00Z", "2026-11-30T12:00:00Z", "9999-12-31T23:59:59Z")
        case "string", _ if "enum" not in schema:
            yield "a" * schema.get("minLength", 0)
            yield "a" * min(schema.get("maxLength", _LONGEST), _LONGEST)


@pytest.fixture(scope="module", autouse=True)
def _two_reviews(system: System) -> None:
    """Create two reviews due today, in cases that the supervisor can read and another person owns."""

    def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = system.running.request(
            "ngo-refugio", "POST", f"/referrals/v1/cases{path}", json=body, headers=keyed({})
        )
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    for _ in range(2):
        case_id = made("", {"area": "VE2313"})["id"]
        made(f"/{case_id}/reviews", {"due_on": clock.today().isoformat()})


class Walk:
    """One caller's walk. Ids for a path come from the first row of the list that the path extends."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._first: dict[str, str | None] = {}

    def path(self, template: str) -> str:
        known = ""
        for part in template.strip("/").split("/"):
            found = self._first_of(known) if part.startswith("{") and part.endswith("}") else None
            known += "/" + (found or target("/" + part).strip("/"))
        return known

    def _first_of(self, listed: str) -> str | None:
        if listed not in self._first:
            answer = self._client.get(listed)
            body = answer.json() if "json" in answer.headers.get("content-type", "") else None
            items = body.get("items") if isinstance(body, dict) else body
            first = items[0] if isinstance(items, list) and items else {}
            self._first[listed] = first.get("id") if isinstance(first, dict) else None
        return self._first[listed]


@pytest.mark.parametrize("caller", CALLERS)
def test_no_value_of_a_parameter_is_answered_by_a_failure(system: System, caller: str) -> None:
    document = system.description()
    schemas = document["components"]["schemas"]
    failed: list[tuple[str, int]] = []
    let_in = asked = 0
    with system.caller(None if caller == "anonymous" else caller) as client:
        walk = Walk(client)
        for template, method, operation in operations(document):
            if method != "get":
                continue
            path = walk.path(template)
            plain = client.get(path)
            if plain.status_code >= 500:
                failed.append((path, plain.status_code))
            if plain.status_code in (401, 403):
                continue
            let_in += 1
            named = [p for p in operation.get("parameters", ()) if p["in"] == "query"]
            for parameter in named:
                for value in dict.fromkeys(values(parameter["schema"], schemas)):
                    needed = {p["name"]: _one(p, schemas) for p in named if p.get("required")}
                    answer = client.get(path, params={**needed, parameter["name"]: value})
                    asked += 1
                    if answer.status_code >= 500:
                        failed.append((str(answer.url), answer.status_code))
    assert not failed, "\n".join(map(str, failed))
    assert let_in > 20
    assert asked > 100


def _one(parameter: dict[str, Any], schemas: dict[str, Any]) -> str:
    return next(values(parameter["schema"], schemas), "")
