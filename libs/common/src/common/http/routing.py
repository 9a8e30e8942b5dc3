"""Routes that are one unit of work: one transaction, committed before the response is sent.

The route itself opens the transaction, because only the route knows the finished response before the commit. A yielding
dependency does not. As a result, neither a failed commit nor an unserialisable response can follow a 201. The stored
result of an idempotent command is part of the same transaction. See docs/decisions/0001.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from common.auth.principal import Principal
from common.db.session import begin_next, retrying, was_given_up
from common.errors import BAD_REQUEST, unknown_parameter
from common.http.access import AccessRule, check_step_up, steps_up
from common.http.bodies import again
from common.http.context import ServiceContext, context_of
from common.http.idempotency import (
    KeyedCommand,
    StoredAnswers,
    in_flight,
    is_repeat,
    require_key,
)
from common.http.links import LINKED, page_links
from common.http.shown_once import as_stored, names_shown_once

OUTER = "ruta.outer_session"
"""Key in the ASGI scope of a command whose batch has one transaction: the batch's session."""
GIVEN_UP = "given_up"
"""Key in that session's `info`: why PostgreSQL aborted the batch's transaction, so that the batch runs again."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


# Dependencies are coroutines although they await nothing. FastAPI runs plain functions in a thread pool, which costs
# more than the functions themselves.
async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def _in_parts() -> None:
    """Mark a route that runs several commands, each with its own key and transaction. A repeat runs them again, and
    each returns its stored response; the combined response is not stored."""


async def _reading() -> None:
    """Mark a route that reads by POST and changes nothing. A repeat simply reads again."""


async def _own_query() -> None:
    """Mark a route that parses its own query and refuses unknown parameters itself."""


async def _any_query() -> None:
    """Mark a route that ignores unknown parameters, because the caller cannot remove them. Examples are pages whose
    link a messenger extended (`fbclid`, `utm_source`), paths that other systems call in their own way, and OAuth, which
    requires it (RFC 6749 §3.1 and §3.2)."""


Session = Annotated[AsyncSession, Depends(_session)]
InParts = Depends(_in_parts)
Reading = Depends(_reading)
OwnQuery = Depends(_own_query)
AnyQuery = Depends(_any_query)
IdempotencyRequired = Depends(require_key)


class UnitOfWorkRoute(APIRoute):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = list(_access_rules(self.dependant))
        if len(rules) != 1:
            raise TypeError(
                f"{self.path}: a route declares exactly one access rule, this one has {len(rules)}"
            )
        self.access = rules[0]
        self._secrets = names_shown_once(self.response_model)
        marks = {part.call for part in self.dependant.dependencies}
        self._in_parts, self._reads = _in_parts in marks, _reading in marks
        self._steps_up = steps_up(marks)
        self._pages = "next_cursor" in getattr(self.response_model, "model_fields", {})
        judged = not {_own_query, _any_query} & marks
        self._parameters = frozenset(_query_names(self.dependant)) if judged else None
        extra: dict[str, Any] = {"x-ruta-access": self.access.describe()}
        if self._steps_up:
            extra["x-ruta-step-up"] = True
        if self.access.scope is not None:
            extra["security"] = [{"oauth2": [self.access.scope]}]
        if (self.methods or set()) - _SAFE_METHODS:
            extra["parameters"] = [_key_parameter(_needs_key(self.dependant))]
        elif self._pages:
            extra["responses"] = {"200": {"headers": dict(LINKED)}}
        self.openapi_extra = {**extra, **(self.openapi_extra or {})}

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def unit_of_work(request: Request) -> Response:
            return await self._work(request, handler)

        return unit_of_work

    async def _work(self, request: Request, handler: Handler) -> Response:
        """Run `handler`. Run it again if PostgreSQL aborted its transaction."""
        _refuse_nul(request)
        principal = self.access.check(request)
        self._refuse_unknown(request)
        context = context_of(request)
        if self._steps_up:
            check_step_up(principal, context.settings.step_up_minutes)
        # Read the body before the transaction opens, so that a slow client holds no connection.
        command = await self._keyed(request, principal)
        body = b"" if self._in_parts or request.method in _SAFE_METHODS else await request.body()

        outer: AsyncSession | None = request.scope.get(OUTER)

        async def whole() -> Response:
            asked = _afresh(request, body)
            async with _opened(context, outer, principal) as session:
                asked.state.session = session
                if command is None:
                    response = await handler(asked)
                    if self._pages and request.method == "GET":
                        _link_to_next(request, response)
                    return response
                return await self._once(command, principal, session, context, handler, asked)

        try:
            if self._in_parts:
                return await handler(request)
            if outer is not None:
                return await whole()
            # No response is sent before the commit, so everything can run again.
            return await retrying(whole)
        except IntegrityError as error:
            if command is not None and is_repeat(error):
                raise in_flight() from error
            raise

    def _refuse_unknown(self, request: Request) -> None:
        if self._parameters is None or not request.scope["query_string"]:
            return
        for name in request.query_params:
            if name not in self._parameters:
                raise unknown_parameter(name, self._parameters)

    async def _once(
        self,
        command: KeyedCommand,
        principal: Principal,
        session: AsyncSession,
        context: ServiceContext,
        handler: Handler,
        request: Request,
    ) -> Response:
        """Return the stored response, or run the handler and store its response in the same transaction."""
        answers = StoredAnswers(context.tables, context.sealing_key, context.answers)
        stored = await answers.replay(session, principal, command)
        if stored is not None:
            return stored
        response = await handler(request)
        kept = as_stored(request, response, self._secrets)
        await answers.remember(session, principal, command, kept)
        return response

    async def _keyed(self, request: Request, principal: Principal) -> KeyedCommand | None:
        # Anonymous callers share one identity, so a stored response could reach somebody else. Reads simply run
        # again, and the parts of a batch have their own keys.
        if request.method in _SAFE_METHODS or principal.anonymous:
            return None
        if self._in_parts or self._reads:
            return None
        return await KeyedCommand.of(request, principal.subject)


class PrefixedRouter(APIRouter):
    """A router that is skipped for paths with another prefix. A service has about two hundred routes in thirty routers.
    FastAPI would try each of them twice, which takes more time for most requests than anything else."""

    def __init__(self, *args: Any, prefix: str, **kwargs: Any) -> None:
        super().__init__(*args, prefix=prefix, **kwargs)
        self._beginning = prefix.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not scope.get("path", "").startswith(self._beginning):
            return Match.NONE, {}
        return super().matches(scope)


def router(prefix: str, tags: list[str]) -> APIRouter:
    """Return a router whose routes are units of work. `prefix` is the full public path."""
    return PrefixedRouter(
        prefix=prefix,
        tags=cast("list[str | Enum]", tags),
        route_class=UnitOfWorkRoute,
    )


def _afresh(request: Request, body: bytes) -> Request:
    """Return the same request with an unparsed body."""
    return Request(request.scope, again(body))


@asynccontextmanager
async def _opened(
    context: ServiceContext, outer: AsyncSession | None, principal: Principal
) -> AsyncIterator[AsyncSession]:
    """Open a transaction, or a savepoint if the commands of a batch share one."""
    if outer is None:
        async with context.database.transaction(principal) as session:
            yield session
        return
    try:
        async with outer.begin_nested():
            await begin_next(outer)
            yield outer
    except Exception as error:
        if was_given_up(error):
            outer.info[GIVEN_UP] = error
        raise
    outer.expire_all()  # database functions may have changed rows that were already read


def _link_to_next(request: Request, response: Response) -> None:
    """Add the next page to the header `Link`. A feed returns a cursor even if it has no more items yet."""
    page = orjson.loads(response.body)
    if page.get("next_cursor") and page.get("more", True):
        response.headers["Link"] = page_links(request, "cursor", {"next": page["next_cursor"]})


def _refuse_nul(request: Request) -> None:
    """Refuse NUL in paths and queries, because PostgreSQL cannot store it and no id contains it."""
    if "\x00" in request.scope["path"] or b"%00" in request.scope.get("query_string", b""):
        raise BAD_REQUEST.because("paths_and_parameters_must_not_contain_nul")


def _access_rules(dependant: Dependant) -> Any:
    for part in dependant.dependencies:
        if isinstance(part.call, AccessRule):
            yield part.call
        yield from _access_rules(part)


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (part.alias or name for name, part in kind.model_fields.items())
        else:
            yield field.alias
    for part in dependant.dependencies:
        yield from _query_names(part)


def _needs_key(dependant: Dependant) -> bool:
    return any(part.call is require_key for part in dependant.dependencies)


def _key_parameter(required: bool) -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": "A random key for this command; send the same one when you repeat it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 257},
    }
