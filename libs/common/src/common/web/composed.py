"""What FastAPI does between a command and its endpoint, composed once for a route.

For each request it walks the same tree of dependencies, under exit stacks that are for files and generators, and
reads the content type like the header of a mail. Our commands ask for little of that: coroutines, ids of the
path, one body of JSON. A request that is not as it should be is left to FastAPI before anything was done,
so each refusal is FastAPI's own.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

from fastapi import params
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, serialize_response
from fastapi.utils import is_body_allowed_for_status_code
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from common.middleware import header_of

_JSON = "application/json"
# What a coroutine may ask for beside the request, and none of ours does.
_ELSEWHERE = (
    "query_params",
    "header_params",
    "cookie_params",
    "websocket_param_name",
    "http_connection_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
    "own_oauth_scopes",
    "parent_oauth_scopes",
    "concurrency",
)


class _AsksForMore(Exception):
    """A route that is left to FastAPI."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A dependency, or the endpoint, and what it is called with by the name of the parameter: ids as (name, name in
    the path, field), and the values of earlier parts by their place."""

    call: Callable[..., Awaitable[Any]]
    ids: Sequence[tuple[str, str, Any]]
    given: Sequence[tuple[str, int]]
    request_as: str | None
    response_as: str | None


Read = Sequence[dict[str, Any]]
"""What a request said, validated, for each part."""


class Composed:
    """Calls the endpoint of one route, and writes its answer."""

    def __init__(self, route: APIRoute) -> None:
        plain = isinstance(route.response_class, DefaultPlaceholder) and not route.is_sse_stream
        if not plain or route.response_field is None or route.is_json_stream:
            raise _AsksForMore
        self._route = route
        self._parts = _parts_of(route.dependant)
        self._body = _body_of(route)
        self._sets_headers = any(part.response_as for part in self._parts)

    @classmethod
    def of(cls, route: APIRoute) -> "Composed | None":
        """None for a route that asks for more: a query, a form, a generator, an answer of another kind."""
        try:
            return cls(route)
        except _AsksForMore:
            return None

    def read(self, request: Request, body: bytes) -> Read | None:
        """None for what FastAPI is to refuse, or to read in a way of its own."""
        said: list[dict[str, Any]] = []
        for part in self._parts:
            values: dict[str, Any] = {}
            for name, in_path, field in part.ids:
                values[name], wrong = field.validate(request.path_params.get(in_path))
                if wrong:
                    return None
            said.append(values)
        if self._body is not None:
            if not body or header_of(request.scope, b"content-type") != _JSON:
                return None
            try:
                content = from_json(body)
            except ValueError:
                return None
            said[-1][self._body.name], wrong = self._body.validate(content)
            if wrong:
                return None
        return said

    async def answer(self, request: Request, read: Read) -> Response:
        route = self._route
        beside = _beside() if self._sets_headers else None
        values: list[Any] = []
        for part, said in zip(self._parts, read, strict=True):
            for name, place in part.given:
                said[name] = values[place]
            if part.request_as:
                said[part.request_as] = request
            if part.response_as:
                said[part.response_as] = beside
            values.append(await part.call(**said))
        if isinstance(values[-1], Response):
            return values[-1]
        content = await serialize_response(
            field=route.response_field,
            response_content=values[-1],
            include=route.response_model_include,
            exclude=route.response_model_exclude,
            by_alias=route.response_model_by_alias,
            exclude_unset=route.response_model_exclude_unset,
            exclude_defaults=route.response_model_exclude_defaults,
            exclude_none=route.response_model_exclude_none,
            dump_json=True,
        )
        status = (beside and beside.status_code) or route.status_code or 200
        response = Response(content, status, media_type=_JSON)
        if not is_body_allowed_for_status_code(status):
            response.body = b""
        if beside is not None:
            response.headers.raw.extend(beside.headers.raw)
        return response


def _beside() -> Response:
    """What an endpoint may set of its answer."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment]  # as FastAPI gives it: the route's
    return response


def _parts_of(root: Dependant) -> list[_Part]:
    """In the order in which FastAPI calls them, each once; the endpoint last."""
    parts: list[_Part] = []
    places: dict[Any, int] = {}

    def add(asked: Dependant) -> None:
        given = []
        for each in asked.dependencies:
            if not each.use_cache or each.body_params:
                raise _AsksForMore
            if each.call not in places:
                add(each)
            if each.name is not None:
                given.append((each.name, places[each.call]))
        parts.append(_part(asked, given))
        places[asked.call] = len(parts) - 1

    add(root)
    return parts


def _part(asked: Dependant, given: Sequence[tuple[str, int]]) -> _Part:
    call = asked.call
    waits = iscoroutinefunction(call) or iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004 - an object that is called
    if call is None or not waits or any(getattr(asked, name) for name in _ELSEWHERE):
        raise _AsksForMore
    ids = [
        (field.name, field.validation_alias or field.alias, field) for field in asked.path_params
    ]
    return _Part(call, ids, given, asked.request_param_name, asked.response_param_name)


def _body_of(route: APIRoute) -> Any:
    """The field of the body, which is the whole of it; None without one."""
    fields = route.dependant.body_params
    if not fields:
        return None
    (first, *more) = fields
    info = first.field_info
    if more or isinstance(info, params.Form) or getattr(info, "embed", None):
        raise _AsksForMore
    return first
