"""The API refuses unknown filters and unknown values. An unknown filter would find everything and an unknown value
nothing, and both would look like a valid result.

The parameters come from the API's description, so new ones are included.
"""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from gateway.front.description.document import operations

from tests.support.principals import CLIENTS
from tests.support.system import System, let_through
from tests.support.unknown_parameters import LEFT_ALONE, asked_of, target, unnamed

pytestmark = pytest.mark.system

NONSENSE = "zz!"
FREE = {
    "search",
    "postcode",
    "action",
    "assigned_to",
    "person",
    "target",
    "doer",
    "language",
    "analysis",
    "plan",
    "source",
    "sign_in_name",
}
"""Words of people and names that they give, codes of whoever wrote an address, names of acts that only
grow, and a language for which there are no words: the page then speaks the browser's."""


@pytest.fixture(scope="module")
def callers(system: System) -> Iterator[list[httpx.Client]]:
    made = [system.caller(name) for name in CLIENTS]
    yield made
    for client in made:
        client.close()


def test_a_value_that_nobody_knows_is_refused(system: System, callers: list[httpx.Client]) -> None:
    document = system.description()
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


def test_a_parameter_that_nobody_knows_is_refused_by_every_service_with_the_known_ones_named(
    system: System, callers: list[httpx.Client]
) -> None:
    document = system.description()
    release = "/reports/v1/releases/{release_id}/query"
    wrong: list[tuple[object, ...]] = []
    refused: Counter[str] = Counter()
    for path, method, operation in operations(document):
        # A release's parameters depend on the release, and this stack has published none.
        if method != "get" or (method, path) in LEFT_ALONE or path == release:
            continue
        parameters = operation.get("parameters", [])
        answers = (
            let_through(client.get, target(path), params=asked_of(parameters)) for client in callers
        )
        answer = next((a for a in answers if a.status_code not in (401, 403)), None)
        if answer is None:
            wrong.append((path, "nobody is let in"))
        elif answer.status_code not in (400, 422) or unnamed(parameters, answer.text):
            wrong.append((path, answer.status_code, unnamed(parameters, answer.text)))
        refused[path.split("/")[1]] += 1
    assert not wrong, "\n".join(map(str, wrong))
    assert refused.keys() >= {"directory", "referrals", "reports", "identity", "account", "oauth"}
