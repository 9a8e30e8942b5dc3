"""A filter whose value nobody knows would find nothing, and be taken for an answer: it is refused.

Made from the description of the API, so that a new parameter is asked by itself.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gateway.front.describing.description import operations

from tests.support.principals import CLIENTS
from tests.support.system import System

pytestmark = pytest.mark.system

NONSENSE = "zz!"
FREE = {"search", "postcode", "action", "doer", "language", "analysis", "plan", "source"}
"""Words of people and names that they give, codes of whoever wrote an address, names of acts that only
grow, and a language for which there are no words: the page then speaks the browser's."""


@pytest.fixture(scope="module")
def callers(system: System) -> Iterator[list[httpx.Client]]:
    made = [
        httpx.Client(
            base_url=system.running.url,
            headers={"Authorization": f"Bearer {system.running.token(name)}"},
            timeout=60,
        )
        for name in CLIENTS
    ]
    yield made
    for client in made:
        client.close()


def test_a_value_that_nobody_knows_is_refused(system: System, callers: list[httpx.Client]) -> None:
    document: dict[str, Any] = system.running.http.get("/openapi.json").json()
    taken: list[tuple[str, str, object]] = []
    asked = 0
    for path, method, operation in operations(document):
        parameters = operation.get("parameters", [])
        if method != "get" or any(p["in"] == "path" for p in parameters):
            continue
        required = {
            p["name"]: NONSENSE for p in parameters if p.get("required") and p["in"] == "query"
        }
        for name in (p["name"] for p in parameters if p["in"] == "query"):
            if name in FREE:
                continue
            answers = (client.get(path, params={**required, name: NONSENSE}) for client in callers)
            answer = next((a for a in answers if a.status_code not in (401, 403)), None)
            if answer is None:
                taken.append((path, name, "nobody is let in"))
                continue
            asked += 1
            if answer.status_code not in (400, 404, 422):
                taken.append((path, name, answer.status_code))
    assert not taken, "\n".join(map(str, taken))
    assert asked > 100
