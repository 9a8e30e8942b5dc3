"""A command that is found in the table of its app answers to the letter as the framework does."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from uuid import UUID

import pytest
from common.auth import Principal, Role
from common.database import Database
from common.errors import CONFLICT
from common.ids import new_id
from common.web import (
    IdempotencyRequired,
    Session,
    Strict,
    UnitOfWorkRoute,
    requires,
    router,
    service_app,
)
from fastapi import APIRouter, Depends, FastAPI, Response
from httpx import ASGITransport, AsyncClient
from httpx import Response as Answer
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from tests.common import sample
from tests.support.principals import bearer, keyed

CALLER = bearer("ngo-refugio", audience="ruta-directory")
Writer = Annotated[Principal, requires("directory:write", {Role.PARTNER})]
ID = "0190a000-0000-7000-8000-00000000000a"
SIZED = f"/sample/v1/things/{ID}/size"


class Thing(Strict):
    name: str
    size: int = 1


class Sized(BaseModel):
    id: UUID
    name: str
    size: float | None = None


async def _where(thing: UUID, response: Response) -> str:
    response.headers["ETag"] = f'"{thing}"'
    return f"/things/{thing}"


def created(settings: sample.Settings, database: Database, *, above: bool = False) -> FastAPI:
    things = router("/sample/v1/things", ["things"])
    inner = APIRouter(prefix="/inner", route_class=UnitOfWorkRoute)

    @things.post("/search/size")
    async def search(session: Session, caller: Writer) -> dict[str, str]:
        return {"found": "no id"}

    @things.post("/{thing}/size", status_code=201, dependencies=[IdempotencyRequired])
    async def size(
        *,
        thing: UUID,
        body: Thing,
        session: Session,
        caller: Writer,
        where: Annotated[str, Depends(_where)],
        response: Response,
    ) -> Sized:
        if body.size == 13:
            raise CONFLICT.saying("Thirteen.")
        if body.size == 14:
            raise RuntimeError(body.name)
        response.headers["Location"] = where
        return Sized(id=thing, name=body.name, size=body.size)

    @things.post("/{thing}/mark")
    async def mark(
        session: Session, caller: Writer, where: Annotated[str, Depends(_where)]
    ) -> dict[str, str]:
        return {"at": where}

    @things.delete("/{thing}", status_code=204)
    async def forget(thing: UUID, session: Session, caller: Writer) -> None:
        return None

    @inner.post("")
    async def below(session: Session, caller: Writer) -> dict[str, str]:
        return {"was": "asked"}

    if above:
        things.include_router(inner, dependencies=[Depends(_refuses)])
    return service_app(
        settings,
        title="Things",
        description="",
        tables=sample.TABLES,
        routers=[things],
        database=database,
    )


async def _refuses() -> None:
    raise CONFLICT.saying("Somebody above asks for more.")


def asked_of(app: FastAPI) -> AsyncClient:
    transport = ASGITransport(app, raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://sample", headers=CALLER)


@pytest.fixture
async def known(settings: sample.Settings, database: Database) -> AsyncIterator[AsyncClient]:
    """An app that has answered each of its commands before."""
    app = created(settings, database)
    async with asked_of(app) as client:
        await client.post(SIZED, json={"name": "x"}, headers=keyed({}))
        await client.post("/sample/v1/things/search/size")
        await client.post(f"/sample/v1/things/{ID}/mark")
        await client.delete(f"/sample/v1/things/{ID}")
        yield client


async def _no_framework(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("the framework was asked")


def commands_of(client: AsyncClient) -> Any:
    transport: Any = client._transport
    return transport.app.state.context.commands


@pytest.mark.parametrize(
    ("body", "status"),
    [({"name": "x", "size": 3}, 201), ({"name": "x", "size": 13}, 409), ({"name": "y"}, 201)],
)
async def test_what_is_known_passes_the_framework(
    known: AsyncClient, body: Mapping[str, Any], status: int
) -> None:
    commands_of(known)._app = _no_framework
    answer = await known.post(SIZED, json=body, headers=keyed({}))
    assert answer.status_code == status
    if status == 201:
        assert answer.headers["Location"] == f"/things/{ID}"
        assert answer.json() == {"id": ID, "name": body["name"], "size": body.get("size", 1)}


async def told(client: AsyncClient, request: Mapping[str, Any]) -> tuple[int, Any, list[Any]]:
    answer: Answer = await client.request(
        request.get("method", "POST"),
        request.get("path", SIZED),
        content=request.get("content"),
        headers={
            "Content-Type": "application/json",
            **keyed({}, request.get("key")),
            **request.get("headers", {}),
        },
    )
    headers = [pair for pair in answer.headers.multi_items() if pair[0] != "x-request-id"]
    return answer.status_code, answer.content, headers


STRANGE = "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"


@pytest.mark.parametrize(
    "request_",
    [
        {"content": b'{"name": "x", "size": 2}'},
        {"content": b'{"name": "x", "size": 13}'},
        {"content": b'{"name": "x", "size": 14}'},
        {"content": b'{"name": "x", "more": 1}'},
        {"content": b'{"name": 7}'},
        {"content": b"{"},
        {"content": b""},
        {"content": b"null"},
        {"content": b'{"name": "\\ud800"}'},
        {"content": b'{"name": "x", "size": NaN}'},
        {"content": b'{"name": "x", "size": 1e400}'},
        {"content": '{"name": "x"}'.encode("utf-16")},
        {"content": b'{"name": "x", "name": "y"}'},
        {"content": b'{"name": "x"}', "headers": {"Content-Type": "text/plain"}},
        {"content": b'{"name": "x"}', "headers": {"Content-Type": "application/x+json"}},
        {"content": b'{"name": "x"}', "headers": {"Idempotency-Key": 'a"b'}},
        {"content": b'{"name": "x"}', "headers": {"Authorization": ""}},
        {
            "content": b'{"name": "x"}',
            "headers": bearer("health-cluster", audience="ruta-directory"),
        },
        {"content": b'{"name": "x"}', "path": SIZED + "?size=3"},
        {"content": b'{"name": "x"}', "path": SIZED.replace(ID, STRANGE)},
        {"content": b"{}", "path": SIZED.replace(ID, STRANGE)},
        {"content": b'{"name": "x"}', "path": "/sample/v1/things/search/size"},
        {"content": b'{"name": "x"}', "path": "/sample/v1/things/7/size"},
        {"content": b'{"name": "x"}', "method": "PUT"},
        {"content": b"", "path": f"/sample/v1/things/{ID}/mark"},
        {"content": b"", "method": "DELETE", "path": f"/sample/v1/things/{ID}"},
    ],
)
async def test_it_answers_as_the_framework_does(
    known: AsyncClient, settings: sample.Settings, database: Database, request_: Mapping[str, Any]
) -> None:
    async with asked_of(created(settings, database)) as fresh:
        assert await told(known, request_) == await told(fresh, request_)


async def test_a_repeat_past_the_framework_is_given_the_first_answer(known: AsyncClient) -> None:
    headers = keyed({}, new_id().hex)
    first, again, other = [
        await known.post(SIZED, json={"name": name}, headers=headers) for name in ("a", "a", "b")
    ]
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_what_a_router_above_asks_for_is_asked_each_time(
    settings: sample.Settings, database: Database
) -> None:
    async with asked_of(created(settings, database, above=True)) as client:
        answers = [await client.post("/sample/v1/things/inner") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [409, 409, 409]


async def test_paths_that_lead_nowhere_are_not_kept(known: AsyncClient) -> None:
    commands = commands_of(known)
    before = (dict(commands._known), set(commands._looked_at))
    for number in range(5):
        await known.post(f"/sample/v1/things/{number}/{ID}", json={})
        await known.post(f"/sample/v1/things/{number}/size", json={"name": "x"}, headers=keyed({}))
    assert (commands._known, commands._looked_at) == before
