"""Responses of the read endpoints: stored bytes with validators, and one audit row per restricted document."""

import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any

from common.auth import Principal
from common.db.session import Database
from common.http import OwnQuery, Reading, page_links
from common.words.languages import preferred
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from directory.ground.reading import envelope
from directory.ground.reading.parameters import body_of
from directory.ground.reading.parameters import described as parameters_of
from directory.ground.reading.restricted_service import log_restricted
from directory.ground.reading.rows_queries import Row

JSON = "application/json"
NDJSON = "application/x-ndjson"
GEOJSON = "application/geo+json"
_VARY = "Authorization, Accept-Language, Accept-Encoding, Origin"


_FEATURES = {
    "type": "object",
    "description": "A feature collection (RFC 7946): one point for each site.",
    "required": ["type", "features"],
    "properties": {
        "type": {
            "type": "string",
            "const": "FeatureCollection",
            "description": "What GeoJSON it is.",
        },
        "features": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Sites, each with the service as its properties.",
        },
    },
}


def answer(
    request: Request,
    body: bytes,
    *,
    etag: str | None = None,
    media_type: str = JSON,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return 200 with an ETag, or 304 if the caller already has it. `etag` defaults to a digest."""
    tag = f'"{etag or hashlib.sha256(body).hexdigest()[:24]}"'
    given = {
        "ETag": tag,
        "Cache-Control": "no-cache" if _anonymous(request) else "private, no-cache",
        "Vary": _VARY,
        **(headers or {}),
    }
    if request.method == "GET" and _has(request, tag):
        return Response(status_code=304, headers=given)
    return Response(body, headers=given, media_type=media_type)


def page_answer(
    request: Request,
    items: Sequence[bytes],
    *,
    total: int,
    number: int,
    per_page: int,
    more: dict[str, Any] | None = None,
) -> Response:
    """Return a page in the HSDS envelope. Headers repeat the total and the links to neighbouring pages, for clients
    that do not read the body. A search by POST is private, so it gets no links."""
    body = envelope.page(items, total=total, number=number, per_page=per_page, more=more)
    headers = {"X-Total-Items": str(total)}
    if request.method == "GET":
        last = max(1, math.ceil(total / per_page))
        places = {"first": 1, "prev": min(number - 1, last), "next": number + 1, "last": last}
        there = {relation: page for relation, page in places.items() if 1 <= page <= last}
        headers["Link"] = page_links(request, "page", there)
    return answer(request, body, headers=headers)


def _anonymous(request: Request) -> bool:
    caller: Principal | None = getattr(request.state, "principal", None)
    return caller is None or caller.anonymous


def _has(request: Request, tag: str) -> bool:
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    tags = {each.strip().removeprefix("W/") for each in given.split(",")}
    return tag in tags or "*" in tags


async def audit(
    session: AsyncSession, caller: Principal, request: Request, rows: Sequence[Any]
) -> None:
    """Log each restricted service in this response. The log commits before the response is sent, so that every response
    has a log entry."""
    found = {row["service_id"] for row in rows if row["sensitive"]}
    await log_restricted(session, caller, request.url.path, found)


def stream(
    request: Request,
    database: Database,
    caller: Principal,
    rows: Callable[[AsyncSession], AsyncIterator[Row]],
    line: Callable[[Row], bytes],
) -> StreamingResponse:
    """Stream all rows, one JSON document per line, in a separate transaction."""

    async def lines() -> AsyncIterator[bytes]:
        async with database.transaction(caller) as session:
            batch: list[Row] = []
            size = 0
            parts: list[bytes] = []
            async for row in rows(session):
                parts.append(line(row) + b"\n")
                size += len(parts[-1])
                if row["sensitive"]:
                    batch.append(row)
                if size > 65_536:
                    await audit(session, caller, request, batch)
                    yield b"".join(parts)
                    batch, parts, size = [], [], 0
            await audit(session, caller, request, batch)
            yield b"".join(parts)

    return StreamingResponse(lines(), media_type=NDJSON, headers={"Vary": _VARY})


def language_of(request: Request) -> str | None:
    """Return the client's preferred language; None without a preference."""
    return next(iter(preferred(request.headers.get("accept-language"))), None)


ReadIn = Annotated[str | None, Depends(language_of)]
"""The caller's language, for texts that were translated."""


def described(
    parameters: list[dict[str, Any]],
    schema: dict[str, Any] | None = None,
    *,
    moves: bool = False,
) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that parses its own parameters. Its parameter `format` lists the other
    formats of the route. `schema` is needed unless the route's `responses` contain it. `moves` means that the response
    for a merged entry is its new address."""
    forms: dict[str, Any] = next(
        (each["schema"] for each in parameters if each["name"] == "format"), {}
    )
    content: dict[str, Any] = {} if schema is None else {JSON: {"schema": schema}}
    if "ndjson" in forms.get("enum", ()):
        content[NDJSON] = {"schema": {"type": "string"}}
    if "geojson" in forms.get("enum", ()):
        content[GEOJSON] = {"schema": _FEATURES}
    responses: dict[str, Any] = {
        "200": {"description": "OK", "content": content},
        "304": {"description": "A GET whose If-None-Match names what would be sent."},
    }
    if moves:
        responses["308"] = {"description": "Merged into another entry: see Location."}
    return {"parameters": parameters, "responses": responses}


Search = Callable[..., Awaitable[Response]]


def search_route(
    routes: APIRouter,
    path: str,
    kind: type[BaseModel],
    *,
    summary: str,
    responses: dict[int | str, dict[str, Any]] | None = None,
    schema: dict[str, Any] | None = None,
) -> Callable[[Search], Search]:
    """Register a search as GET and, for private queries, as POST with the same parameters in the body."""
    asked = described(parameters_of(kind), schema)

    def register(search: Search) -> Search:
        routes.add_api_route(
            path,
            search,
            methods=["GET"],
            summary=summary,
            responses=responses,
            openapi_extra=asked,
            dependencies=[OwnQuery],
        )
        routes.add_api_route(
            path,
            search,
            methods=["POST"],
            name=f"{search.__name__}_privately",
            summary=f"{summary}, privately",
            description="The same search with its words in the body, so that no log keeps them.",
            responses=responses,
            openapi_extra=asked | body_of(kind),
            dependencies=[OwnQuery, Reading],
        )
        return search

    return register
