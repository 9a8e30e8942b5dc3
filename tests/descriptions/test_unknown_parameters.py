"""Every operation of every service refuses an unknown filter and names the known ones. Otherwise it would return
everything as if the filter had worked. The route tables supply the operations.

These tests have no database; tests/system covers refusals that need one.
"""

from collections import Counter
from typing import Any

import pytest
from common.auth import Role
from fastapi import FastAPI
from gateway.front.description.document import operations
from gateway.front.routes import Upstream
from httpx import ASGITransport, AsyncClient, Response
from stack.reference.described import described_apps

from tests.support.principals import bearer, write_internal_jwks
from tests.support.unknown_parameters import LEFT_ALONE, SEEN_FIRST, asked_of, target, unnamed

pytestmark = pytest.mark.laborious

HINT = (
    "a route reads its own query (`OwnQuery`) and does not refuse what it does not know, or it leaves that alone "
    "(`AnyQuery`) and is not in tests/support/unknown_parameters.py with its reason:\n"
)


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[Upstream, FastAPI]:
    folder = tmp_path_factory.mktemp("unknown-parameters")
    made = described_apps(folder)
    write_internal_jwks(folder / "jwks.json")
    return made


async def asked(http: AsyncClient, method: str, path: str, operation: dict[str, Any]) -> Response:
    """Send the request as an allowed caller."""
    access = operation["x-ruta-access"]
    who = {} if access["anonymous"] else {"scope": access["scope"], "roles": [*Role]}
    name = "anonymous" if access["anonymous"] else "im-officer"
    headers = bearer(name, audience=str(http.base_url.host), **who)
    params = asked_of(operation.get("parameters", []))
    return await http.request(method, target(path), params=params, headers=headers)


async def test_every_operation_refuses_it_and_names_those_that_it_knows(
    apps: dict[Upstream, FastAPI],
) -> None:
    wrong: list[tuple[object, ...]] = []
    refused: Counter[str] = Counter()
    for upstream, app in apps.items():
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url=f"https://ruta-{upstream}") as http:
            for path, method, operation in operations(app.openapi()):
                if (method, path) in LEFT_ALONE.keys() | SEEN_FIRST:
                    continue
                answer = await asked(http, method, path, operation)
                missing = unnamed(operation.get("parameters", []), answer.text)
                if answer.status_code not in (400, 422) or missing:
                    wrong.append((method, path, answer.status_code, missing))
                refused[upstream] += 1
    assert not wrong, HINT + "\n".join(map(str, wrong))
    assert all(refused[upstream] > 15 for upstream in apps), refused


async def test_what_leaves_it_alone_is_there_and_still_does(apps: dict[Upstream, FastAPI]) -> None:
    """Every listed exception exists and still skips the check. The list and the three operations that check earlier are
    complete; the test above finds any other."""
    left = set(LEFT_ALONE)
    for upstream, app in apps.items():
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url=f"https://ruta-{upstream}") as http:
            for path, method, operation in operations(app.openapi()):
                if (method, path) in LEFT_ALONE:
                    answer = await asked(http, method, path, operation)
                    assert "no such parameter" not in answer.text, (method, path)
                    assert answer.status_code not in (401, 403, 405), (method, path)
                    left.discard((method, path))
    assert left == set(), "no such operation"
