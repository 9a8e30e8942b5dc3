"""Routes that read stored documents: one statement by the reader, no transaction around it.

They are units of work like all others where there is no reader (tests that roll back), and they
declare the same access rule; only the work around the one SELECT is left out.
"""

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, cast
from uuid import UUID

from common.errors import INVALID, FieldError
from common.web import UnitOfWorkRoute, context_of
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services_directory.search.rows_queries import Reader

READER = "reader"


class ReadRoute(UnitOfWorkRoute):
    """The endpoint takes (request, session, principal) and at most one id out of the path."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        as_unit_of_work = super().get_route_handler()

        async def read(request: Request) -> Response:
            reader: Reader | None = context_of(request).parts.get(READER)
            # A key asks for a stored answer: that needs the transaction.
            if reader is None or "idempotency-key" in request.headers:
                return await as_unit_of_work(request)
            principal = self.access.check(request)
            ids = {name: _id(name, text) for name, text in request.path_params.items()}
            response: Response = await self.endpoint(
                request=request, session=reader, principal=principal, **ids
            )
            return response

        return read


def _id(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise INVALID.because(
            "An id is a UUID.", errors=[FieldError(f"/{name}", "not a UUID")]
        ) from None


def read_router(prefix: str, tags: list[str]) -> APIRouter:
    return APIRouter(prefix=prefix, tags=cast("list[str | Enum]", tags), route_class=ReadRoute)
