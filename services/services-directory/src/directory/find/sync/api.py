"""Sync endpoints: a client takes the snapshot once, then requests changes."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import orjson
from common import clock
from common.auth import Principal
from common.http import Session, answered_as, context_of, open_to_all, router
from common.sight import Audience, audience_of
from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from directory.find.sync import position, queries
from directory.find.sync.feeds import Change, as_atom, as_json_feed
from directory.ground.hsds.views import instant
from directory.ground.reading.answers import NDJSON, answer, audit
from directory.ground.reading.rows_queries import Row

routes = router("/directory/v1/sync", ["Sync"])
Anyone = Annotated[Principal, open_to_all()]
CHUNK_BYTES = 65_536
ATOM, JSON_FEED = "application/atom+xml", "application/feed+json"
_NEWEST = 100


@routes.get(
    "/snapshot",
    summary="Everything that you may see, from one moment",
    **answered_as(NDJSON),
)
async def snapshot(request: Request, caller: Anyone) -> Response:
    """One JSON document per line: a head with the cursor, the services, an end with their number. If the end is
    missing, the snapshot is incomplete: take it again."""
    database = context_of(request).database
    audience = audience_of(caller)

    async def lines() -> AsyncIterator[bytes]:
        async with database.transaction(caller) as session:
            async for chunk in _snapshot(request, session, caller, audience):
                yield chunk

    return StreamingResponse(
        lines(),
        media_type=NDJSON,
        headers={"Vary": "Authorization, Accept-Encoding", "Cache-Control": "no-store"},
    )


async def _snapshot(
    request: Request, session: AsyncSession, caller: Principal, audience: Audience
) -> AsyncIterator[bytes]:
    parts: list[bytes] = []
    logged: list[Row] = []
    size = count = 0
    cursor, viewer = "", await queries.viewer(session, audience)
    async for row in queries.snapshot(session, audience):
        if not cursor:
            cursor = position.Position(int(row["position"])).cursor(viewer)
            parts.append(_line({"cursor": cursor, "taken_at": instant(clock.now())}))
        if row["service_id"] is None:
            break
        count += 1
        parts.append(row["body"] + b"\n")
        size += len(row["body"])
        if row["sensitive"]:
            logged.append(row)
        if size > CHUNK_BYTES:
            await audit(session, caller, request, logged)
            yield b"".join(parts)
            parts, logged, size = [], [], 0
    await audit(session, caller, request, logged)
    parts.append(_line({"end": True, "services": count, "cursor": cursor}))
    yield b"".join(parts)


def _line(value: dict[str, object]) -> bytes:
    return orjson.dumps(value) + b"\n"


@routes.get(
    "/changes",
    summary="What changed since your cursor",
    responses={410: {"description": "Take a new snapshot."}},
)
async def changes(
    request: Request,
    session: Session,
    caller: Anyone,
    cursor: Annotated[str, Query(max_length=500, description="Of the answer before.")],
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
) -> Response:
    """`items` in the order of the changes: `upsert` with the whole service as you may see it now, or `delete` for one
    that you no longer see. Repeat while `more` is true."""
    audience = audience_of(caller)
    viewer = await queries.viewer(session, audience)
    since = position.read(cursor, viewer)
    found = await queries.changes(session, audience, since, limit)
    await audit(session, caller, request, [row for row in found.rows if row["body"]])
    items = [_item(row) for row in found.rows]
    tail = orjson.dumps({"next_cursor": found.position.cursor(viewer), "more": found.more})
    return answer(request, b'{"items":[' + b",".join(items) + b"]," + tail[1:])


def _item(row: Row) -> bytes:
    own: UUID = row["service_id"]
    if row["body"] is None:
        return orjson.dumps({"op": "delete", "kind": "service", "id": str(own)})
    head = orjson.dumps({"op": "upsert", "kind": "service", "id": str(own)})
    return head[:-1] + b',"document":' + bytes(row["body"]) + b"}"


@routes.get("/feed.atom", summary="The last changes, for feed readers", **answered_as(ATOM))
async def atom(request: Request, session: Session, caller: Anyone) -> Response:
    """The hundred services that changed last (RFC 4287). To keep a whole copy, take the snapshot."""
    found = await _newest(request, session, caller)
    return answer(request, as_atom(_base(request), found), media_type=ATOM)


@routes.get("/feed.json", summary="The last changes, as JSON Feed", **answered_as(JSON_FEED))
async def json_feed(request: Request, session: Session, caller: Anyone) -> Response:
    """The hundred services that changed last (JSON Feed 1.1). To keep a whole copy, take the snapshot."""
    found = await _newest(request, session, caller)
    return answer(request, orjson.dumps(as_json_feed(_base(request), found)), media_type=JSON_FEED)


async def _newest(request: Request, session: AsyncSession, caller: Principal) -> list[Change]:
    rows = await queries.newest(session, audience_of(caller), _NEWEST)
    await audit(session, caller, request, [row for row in rows if row["body"]])
    return [
        Change(
            row["service_id"],
            orjson.loads(row["body"])["name"] if row["body"] else None,
            instant(row["changed_at"]),
        )
        for row in rows
    ]


def _base(request: Request) -> str:
    return f"{context_of(request).settings.public_url.rstrip('/')}/directory/v1"
