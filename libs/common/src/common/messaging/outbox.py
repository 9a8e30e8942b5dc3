"""Writes events as rows in the writer's own transaction; the relay publishes them later."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from common import clock
from common.db.session import Database
from common.db.tables import CommonTables
from common.events.base import Event
from common.ids import new_id
from common.process.telemetry import current_traceparent

CHANNEL = "ruta_outbox"


async def append(
    session: AsyncSession,
    tables: CommonTables,
    event: Event,
) -> UUID:
    """Write `event` in the same transaction as its change, and return its id. Never commit."""
    (event_id,) = await append_all(session, tables, [event])
    return event_id


async def append_all(
    session: AsyncSession,
    tables: CommonTables,
    events: Sequence[Event],
) -> list[UUID]:
    """Write several events in order, like `append`."""
    if not events:
        return []
    now, traceparent, outbox = clock.now(), current_traceparent(), tables.outbox
    ids = [new_id() for _ in events]
    rows = [
        {
            "id": event_id,
            "aggregatetype": event.about()[0],
            "aggregateid": str(event.about()[1]),
            "type": event.SUBJECT,
            "payload": event.model_dump(mode="json", exclude_none=True),
            "version": event.version,
            "traceparent": traceparent,
            "occurred_at": now,
        }
        for event_id, event in zip(ids, events, strict=True)
    ]
    await session.execute(outbox.insert(), rows)
    # PostgreSQL notifies at commit, once per transaction.
    await session.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
    return ids


async def republish(database: Database, tables: CommonTables, since: datetime | None = None) -> int:
    """Mark all events (or those since `since`) as unpublished and return their number. Use this after a stream was
    lost. Ids remain the same, so readers drop events that they already have."""
    outbox = tables.outbox
    change = outbox.update().where(outbox.c.published_at.is_not(None)).values(published_at=None)
    if since is not None:
        change = change.where(outbox.c.occurred_at >= since)
    async with database.transaction() as session:
        changed = (await session.execute(change.returning(outbox.c.id))).all()
        await session.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
    return len(changed)
