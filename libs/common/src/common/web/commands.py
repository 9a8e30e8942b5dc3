"""Finds the route of a command by its path in a table, and runs it past the framework.

FastAPI tries routers and routes one after the other, twice, and composes for each request anew what is the same for
all of them (`composed`). It is FastAPI that finds a route for the first time; what it found is kept. It stands
innermost: what a route raises is answered by the app's own handlers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from common.middleware import template_of
from common.web.bodies import again
from common.web.composed import Composed, Read
from common.web.problems import handler_of
from common.web.routing import UnitOfWorkRoute

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ID = "00000000-0000-7000-8000-000000000000"
# A method and the parts of a path, None for each that has the form of an id: no word of ours has it.
_Shape = tuple[str | None, ...]


@dataclass(frozen=True)
class _Command:
    """`places`: which part of the path is which parameter."""

    route: UnitOfWorkRoute
    endpoint: Composed
    template: str
    places: Sequence[tuple[str, int]]


class Commands:
    """The commands of an app. `app`: what routes them without this table."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: dict[_Shape, _Command] = {}
        self._looked_at: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        command = self._known.get(_shape_of(scope["method"], scope["path"]))
        if command is None:
            await self._app(scope, receive, send)
            self._look_at(scope)
            return
        body = await Request(scope, receive).body()
        response = await self._answered(command, scope, body)
        if response is None:
            await self._app(scope, again(body, receive), send)
        else:
            await response(scope, receive, send)

    async def answer(self, scope: Scope, body: bytes) -> tuple[Response, str] | None:
        """Of the command in `scope`, with the template of its path; None where it has to be routed."""
        command = self._known.get(_shape_of(scope["method"], scope["path"]))
        if command is None:
            return None
        response = await self._answered(command, scope, body)
        return None if response is None else (response, command.template)

    async def _answered(self, command: _Command, scope: Scope, body: bytes) -> Response | None:
        parts = scope["path"].split("/")
        scope["route"] = command.route
        scope["path_params"] = {name: parts[place] for name, place in command.places}
        request = Request(scope, again(body))
        request._body = body  # noqa: SLF001 - as Starlette keeps it
        read = command.endpoint.read(request, body)
        if read is None:
            return None
        first: list[Read] = [read]

        async def handler(asked: Request) -> Response:
            # Done again it is read again: the endpoint may have changed what it was given.
            said = first.pop() if first else command.endpoint.read(asked, body)
            if said is None:
                raise RuntimeError("the same body was read a moment ago")
            return await command.endpoint.answer(asked, said)

        try:
            return await command.route.work(request, handler)
        except Exception as error:
            answer = handler_of(scope["app"], error)
            if answer is None:
                raise
            response: Response = await answer(request, error)
            return response

    def _look_at(self, scope: Scope) -> None:
        """Keep the route of a command that FastAPI has just answered, if it asks for no more than `composed` does."""
        route, method = scope.get("route"), scope["method"]
        if not isinstance(route, UnitOfWorkRoute) or method not in (route.methods or ()):
            return
        template = template_of(scope)
        if (method, template) in self._looked_at:
            return
        self._looked_at.add((method, template))
        sample = "/".join(_ID if part.startswith("{") else part for part in template.split("/"))
        found, endpoint = _found(scope["app"], method, sample), Composed.of(route)
        # A router above it may ask for something of its own, and another may stand before it for such ids.
        same = found is not None and (found.original_route, found.path) == (route, template)
        if (
            found is None
            or endpoint is None
            or not same
            or found.dependencies != route.dependencies
        ):
            return
        places = [
            (part[1:-1], at) for at, part in enumerate(template.split("/")) if part.startswith("{")
        ]
        self._known[_shape_of(method, sample)] = _Command(route, endpoint, template, places)


def _shape_of(method: str, path: str) -> _Shape:
    parts = path.split("/")
    return method, *[None if len(p) == 36 and p.count("-") == 4 else p for p in parts]


def _found(app: FastAPI, method: str, path: str) -> RouteContext | None:
    """Where FastAPI would go with a path, as the routers above see it."""
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    for part in app.router.routes:
        if part.matches(scope)[0] is Match.FULL:
            return next(
                (
                    each
                    for each in iter_route_contexts([part])
                    if each.path_regex.match(path) and method in (each.methods or ())
                ),
                None,
            )
    return None
