"""Metrics and traces name a route by its full path, also for nested routers."""

import pytest
from common.http import router
from common.middleware import template_of
from fastapi import APIRouter, FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send


def nested() -> FastAPI:
    one, things, of_case = APIRouter(), router("/v1/things", []), router("/v1/{case}/things", [])

    @one.get("/{thing}/start")
    async def start(thing: str) -> str:
        return thing

    things.include_router(one)
    of_case.include_router(one)
    app = FastAPI()
    app.include_router(things)
    app.include_router(of_case)
    return app


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/things/7/start", "/v1/things/{thing}/start"),
        ("/v1/c1/things/7/start", "/v1/{case}/things/{thing}/start"),
        ("/v1/nothing", "unmatched"),
    ],
)
async def test_a_route_is_called_by_its_whole_path_and_by_no_value(
    path: str, template: str
) -> None:
    app, told = nested(), []

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        told.append(template_of(scope))

    async with AsyncClient(transport=ASGITransport(observed), base_url="http://x") as client:
        await client.get(path)
    assert told == [template]
