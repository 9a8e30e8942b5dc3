"""Routes that read stored documents: one statement by the reader, no transaction around it.

They are units of work like all others where there is no reader (tests that roll back), and they
declare the same access rule; only the work around the one SELECT is left out.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from enum import Enum
from typing import Any, cast
from uuid import UUID

from common.errors import INVALID, FieldError
from common.web import ServiceContext, UnitOfWorkRoute
from common.web.bodies import again
from common.web.problems import handler_of
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services_directory.reading.rows_queries import Reader, SelectReader

READER = "reader"
_KEY = b"idempotency-key"


class PassOnError(Exception):
    """A straight route leaves this request to the framework, with its body read again."""


class StraightRoute(UnitOfWorkRoute, ABC):
    """A route at a fixed path, or with one id as its last part, that `ReadPaths` finds by table."""

    @abstractmethod
    async def read(self, request: Request, reader: SelectReader) -> Response: ...


class ReadRoute(StraightRoute):
    """The endpoint takes (request, session, caller) and at most one id, the last part of the
    path. A search by POST changes nothing: repeated with its key it is asked anew, so that its answer may also stream."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reads = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        as_unit_of_work = super().get_route_handler()

        async def read(request: Request) -> Response:
            reader = reader_of(request.scope)
            if reader is None:
                return await as_unit_of_work(request)
            return await self.read(request, reader)

        return read

    async def read(self, request: Request, reader: SelectReader) -> Response:
        caller = self.access.check(request)
        self._refuse_unknown(request)
        ids = {name: _id(name, text) for name, text in request.path_params.items()}
        response: Response = await self.endpoint(
            request=request, session=reader, caller=caller, **ids
        )
        return response


def reader_of(scope: Scope) -> SelectReader | None:
    """None where a transaction is needed: there is no reader, or a key asks for a stored answer."""
    if any(name == _KEY for name, _ in scope["headers"]):
        return None
    context: ServiceContext = scope["app"].state.context
    reader: Reader | None = context.parts.get(READER)
    return reader


def _id(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise INVALID.because(
            "ids_are_uuids", errors=[FieldError(f"/{name}", "not a UUID")]
        ) from None


def read_router(prefix: str, tags: list[str]) -> APIRouter:
    return APIRouter(prefix=prefix, tags=cast("list[str | Enum]", tags), route_class=ReadRoute)


class ReadPaths:
    """Finds a read route by its path in a table and runs it, before the router looks through all
    routes one by one: that look costs more than the read. Everything else passes.

    It stands innermost. What a route raises is answered by the app's own handlers.
    """

    def __init__(self, app: ASGIApp, routers: Sequence[APIRouter]) -> None:
        self._app = app
        self._whole: dict[tuple[str, str], StraightRoute] = {}
        self._by_id: dict[tuple[str, str], tuple[StraightRoute, str]] = {}
        for route in (each for part in routers for each in part.routes):
            if isinstance(route, StraightRoute):
                for method in route.methods or ():
                    self._keep(method, route)

    def _keep(self, method: str, route: StraightRoute) -> None:
        folder, _, last = route.path.rpartition("/")
        if last.startswith("{") and "{" not in folder:
            self._by_id[method, folder] = (route, last.strip("{}"))
        elif "{" not in route.path:
            self._whole[method, route.path] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" else None
        reader = reader_of(scope) if found else None
        if found is None or reader is None:
            await self._app(scope, receive, send)
            return
        scope["route"], scope["path_params"] = found
        request = Request(scope, receive, send)
        try:
            response = await found[0].read(request, reader)
        except PassOnError:
            await self._app(scope, again(await request.body(), receive), send)
            return
        except Exception as error:
            handler = handler_of(scope["app"], error)
            if handler is None:
                raise
            response = await handler(request, error)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[StraightRoute, dict[str, str]] | None:
        method, path = scope["method"], scope["path"]
        whole = self._whole.get((method, path))
        if whole is not None:
            return whole, {}
        folder, _, last = path.rpartition("/")
        one = self._by_id.get((method, folder))
        # `/services/similar` or the like belongs to another route: an id is 36 characters long.
        if one is None or len(last) != 36:
            return None
        return one[0], {one[1]: last}
