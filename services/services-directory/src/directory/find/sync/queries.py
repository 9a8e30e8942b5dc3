"""SELECTs of the snapshot and the change feed, at the caller's levels."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import AsyncIterator
from dataclasses import dataclass

from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from directory.find.sync.position import Position
from directory.ground.access import visible_by_level, visible_sql
from directory.ground.reading.rows_queries import Row, each, fetch
from directory.ground.reading.statement import Statement

_NOW = "(SELECT pg_snapshot_xmin(pg_current_snapshot())::text)"


async def viewer(session: AsyncSession, audience: Audience) -> str:
    """Return a name for the audience and the database history. A restore or failover starts another history: an old
    cursor may name a different transaction there, and the copy may contain changes that the database lost."""
    text = (
        "SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
        " AS history FROM pg_control_system()"
    )
    (row,) = await fetch(session, text, Statement())
    return f"{audience.key}|{row['history']}"


async def snapshot(session: AsyncSession, audience: Audience) -> AsyncIterator[Row]:
    """Yield all visible services, each with the position of the snapshot. Without services, yield one row with a NULL
    service. A single statement sees a single snapshot of the database."""
    s = Statement()
    where = visible_sql(audience, s.argument)
    text = (
        f"SELECT p.position, d.service_id, d.sensitive, d.full_body AS body"
        f" FROM (SELECT {_NOW} AS position) p LEFT JOIN service_documents d ON {where}"
    )
    async for row in each(session, text, s):
        yield row


@dataclass(frozen=True)
class Changes:
    """One page of changes. `rows` contains distinct services; `body` is NULL if the caller can no longer see the
    service."""

    rows: list[Row]
    position: Position
    more: bool


async def changes(
    session: AsyncSession, audience: Audience, since: Position, limit: int
) -> Changes:
    s = Statement()
    logged = visible_by_level(audience, s.argument, "c")
    shown = visible_sql(audience, s.argument)
    xid = s.argument(str(since.xid), "text")
    after = s.argument(since.after, "uuid")
    limited = f"ORDER BY c.xid, c.service_id LIMIT {s.argument(limit + 1, 'bigint')}"
    # Query each level separately, because the index on the position starts with the level
    parts = " UNION ALL ".join(
        f"(SELECT c.xid, c.service_id, c.changed_at FROM service_changes c WHERE {where}"
        f" AND (c.xid, c.service_id) > ({xid}::xid8, {after})"
        f" AND c.xid < pg_snapshot_xmin(pg_current_snapshot()) {limited})"
        for where in logged.values()
    )
    rows = await fetch(
        session,
        f"SELECT {_NOW} AS position, c.xid::text AS xid, c.service_id, c.changed_at,"
        " d.sensitive, d.etag, d.full_body AS body"
        f" FROM (SELECT 1) one LEFT JOIN (SELECT * FROM ({parts}) c {limited}) c ON true"
        f" LEFT JOIN service_documents d ON d.service_id = c.service_id AND {shown}"
        " ORDER BY c.xid, c.service_id",
        s,
    )
    found = [row for row in rows if row["service_id"] is not None]
    more = len(found) > limit
    found = found[:limit]
    if more:
        position = Position(int(found[-1]["xid"]), found[-1]["service_id"])
    else:
        position = Position(int(rows[0]["position"]))
    newest = {row["service_id"]: row for row in found}
    return Changes(list(newest.values()), position, more)


async def newest(session: AsyncSession, audience: Audience, limit: int) -> list[Row]:
    """Return the most recently changed services, newest first. `body` is NULL if the caller can no longer see the
    service."""
    s = Statement()
    logged = visible_by_level(audience, s.argument, "c")
    shown = visible_sql(audience, s.argument)
    limited = f"ORDER BY c.xid DESC, c.service_id DESC LIMIT {s.argument(limit, 'bigint')}"
    parts = " UNION ALL ".join(
        f"(SELECT c.xid, c.service_id, c.changed_at FROM service_changes c WHERE {where}"
        f" AND c.xid < pg_snapshot_xmin(pg_current_snapshot()) {limited})"
        for where in logged.values()
    )
    rows = await fetch(
        session,
        "SELECT c.service_id, c.changed_at, d.sensitive, d.full_body AS body"
        f" FROM (SELECT * FROM ({parts}) c {limited}) c"
        f" LEFT JOIN service_documents d ON d.service_id = c.service_id AND {shown}"
        " ORDER BY c.xid DESC, c.service_id DESC",
        s,
    )
    return list({row["service_id"]: row for row in reversed(rows)}.values())[::-1]
