"""Events are written as rows in the writer's own transaction; the relay publishes them later."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from common import clock
from common.database import Database
from common.events.base import Event
from common.ids import new_id
from common.tables import CommonTables
from common.telemetry import current_traceparent
from common.writes import RowWriter, write_soon

CHANNEL = "ruta_outbox"


async def append(
    session: AsyncSession,
    tables: CommonTables,
    event: Event,
    *,
    aggregate_id: UUID | str,
    aggregate_type: str,
) -> UUID:
    """Write `event` beside the change that it tells of; returns its id. Never commits."""
    (event_id,) = await append_all(
        session, tables, [(event, aggregate_id)], aggregate_type=aggregate_type
    )
    return event_id


async def append_all(
    session: AsyncSession,
    tables: CommonTables,
    events: Sequence[tuple[Event, UUID | str]],
    *,
    aggregate_type: str,
) -> list[UUID]:
    """`append` for many (event, aggregate id), in their order."""
    if not events:
        return []
    now, traceparent, writer = clock.now(), current_traceparent(), _writer(tables.outbox)
    ids = []
    for event, aggregate_id in events:
        ids.append(new_id())
        write_soon(
            session,
            writer,
            {
                "id": ids[-1],
                "aggregatetype": aggregate_type,
                "aggregateid": str(aggregate_id),
                "type": event.SUBJECT,
                "payload": event.model_dump_json(exclude_none=True),
                "version": event.version,
                "traceparent": traceparent,
                "occurred_at": now,
            },
        )
    return ids


@cache
def _writer(outbox: sa.Table) -> RowWriter:
    # The notice is delivered at commit, once per transaction however often it is sent.
    return RowWriter(
        outbox,
        "id",
        "aggregatetype",
        "aggregateid",
        "type",
        "payload",
        "version",
        "traceparent",
        "occurred_at",
        notify=CHANNEL,
    )


async def republish(database: Database, tables: CommonTables, since: datetime | None = None) -> int:
    """Give all events (or those since an instant) to the relay again; returns how many.

    For a stream that was lost: ids stay the same, so readers that had an event drop it.
    """
    outbox = tables.outbox
    change = outbox.update().where(outbox.c.published_at.is_not(None)).values(published_at=None)
    if since is not None:
        change = change.where(outbox.c.occurred_at >= since)
    async with database.transaction() as session:
        changed = (await session.execute(change.returning(outbox.c.id))).all()
        await session.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
    return len(changed)
