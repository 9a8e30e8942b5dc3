"""Routes that are one unit of work: one transaction, committed before the answer leaves.

The transaction is opened by the route itself rather than by a yielding dependency, because only
here the finished answer is in hand before the commit: a failed commit, and also an answer that
cannot be serialised, can never follow a 201. It also lets the stored result of an idempotent
command join the same transaction. See docs/decisions/0001.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Annotated, Any, cast

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
from common.http.shown_once import as_stored, names_shown_once

OUTER = "ruta.outer_session"
"""In the ASGI scope of a command of a batch that is done together: the batch's session."""
GIVEN_UP = "given_up"
"""In that session's `info`: why PostgreSQL ended the batch's transaction, so that the batch runs again."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


# Dependencies are coroutines although they wait for nothing: FastAPI would call a plain function
# in a thread of its pool, which costs more than all that they do.
async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def _in_parts() -> None:
    """Marks a route whose work is several commands, each with its own key and transaction. A repeat
    runs them again, so that each answers as it did; the whole is not stored once more."""


async def _reading() -> None:
    """Marks a route that reads by POST and changes nothing: a repeat runs again."""


async def _own_query() -> None:
    """Marks a route that reads its own query, and refuses unknown parameters itself."""


async def _any_query() -> None:
    """Marks a route that ignores unknown parameters, because the caller cannot remove them: a page for people, whose
    link a messenger made longer (`fbclid`, `utm_source`); roads that other systems call in ways of their own; and
    OAuth, which demands it (RFC 6749, 3.1 and 3.2). A page says itself what it shows."""


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
        judged = not {_own_query, _any_query} & marks
        self._parameters = frozenset(_query_names(self.dependant)) if judged else None
        extra: dict[str, Any] = {"x-ruta-access": self.access.describe()}
        if self._steps_up:
            extra["x-ruta-step-up"] = True
        if self.access.scope is not None:
            extra["security"] = [{"oauth2": [self.access.scope]}]
        if (self.methods or set()) - _SAFE_METHODS:
            extra["parameters"] = [_key_parameter(_needs_key(self.dependant))]
        self.openapi_extra = {**extra, **(self.openapi_extra or {})}

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def unit_of_work(request: Request) -> Response:
            return await self._work(request, handler)

        return unit_of_work

    async def _work(self, request: Request, handler: Handler) -> Response:
        """The answer of `handler`, which runs again if PostgreSQL gave up its transaction."""
        _refuse_nul(request)
        principal = self.access.check(request)
        self._refuse_unknown(request)
        context = context_of(request)
        if self._steps_up:
            check_step_up(principal, context.settings.step_up_minutes)
        # Read before the transaction opens: a slow client holds no connection meanwhile.
        command = await self._keyed(request, principal)
        body = b"" if self._in_parts or request.method in _SAFE_METHODS else await request.body()

        outer: AsyncSession | None = request.scope.get(OUTER)

        async def whole() -> Response:
            asked = _afresh(request, body)
            async with _opened(context, outer, principal) as session:
                asked.state.session = session
                if command is None:
                    return await handler(asked)
                return await self._once(command, principal, session, context, handler, asked)

        try:
            if self._in_parts:
                return await handler(request)
            if outer is not None:
                return await whole()
            # Nothing has been answered before the commit, so it may all be done again.
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
        """The stored answer, or the handler's, stored in the same transaction."""
        answers = StoredAnswers(context.tables, context.sealing_key, context.answers)
        stored = await answers.replay(session, principal, command)
        if stored is not None:
            return stored
        response = await handler(request)
        kept = as_stored(request, response, self._secrets)
        await answers.remember(session, principal, command, kept)
        return response

    async def _keyed(self, request: Request, principal: Principal) -> KeyedCommand | None:
        # Anonymous callers share one identity: a stored answer could reach somebody else.
        # A read runs again, and the parts of a batch have keys of their own.
        if request.method in _SAFE_METHODS or principal.anonymous:
            return None
        if self._in_parts or self._reads:
            return None
        return await KeyedCommand.of(request, principal.subject)


class PrefixedRouter(APIRouter):
    """Its routes are looked at only for paths that begin as they do.

    A service has some two hundred routes in thirty routers, and FastAPI would try each in turn,
    twice: for most requests that cost more than anything else it does.
    """

    def __init__(self, *args: Any, prefix: str, **kwargs: Any) -> None:
        super().__init__(*args, prefix=prefix, **kwargs)
        self._beginning = prefix.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not scope.get("path", "").startswith(self._beginning):
            return Match.NONE, {}
        return super().matches(scope)


def router(prefix: str, tags: list[str]) -> APIRouter:
    """A router whose routes are units of work. `prefix` is the full public path."""
    return PrefixedRouter(
        prefix=prefix,
        tags=cast("list[str | Enum]", tags),
        route_class=UnitOfWorkRoute,
    )


def _afresh(request: Request, body: bytes) -> Request:
    """The same request, whose body, a form or JSON, has not been taken apart yet."""
    return Request(request.scope, again(body))


@asynccontextmanager
async def _opened(
    context: ServiceContext, outer: AsyncSession | None, principal: Principal
) -> AsyncIterator[AsyncSession]:
    """A transaction; for a command of a batch that is done together, a savepoint in the batch's."""
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
    outer.expire_all()  # functions of the database may have changed the rows that were read


def _refuse_nul(request: Request) -> None:
    """No path or query may carry NUL: PostgreSQL cannot hold it and no id contains it."""
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
