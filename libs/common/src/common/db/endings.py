"""Retention of rows that nothing else deletes. They are kept as long as somebody may still repeat, replay or restore
them. docs/database.md states when the rows of each table expire; a test compares it with the tables and with this
module."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from common.db.session import Database
from common.db.tables import CommonTables

EVENTS_KEPT = timedelta(days=180)
"""How long events stay in the outbox and the streams: longer than any backup that might still be restored."""
INBOX_KEPT = timedelta(days=400)
"""More than twice as long: an event republished on its last day in the outbox stays in the stream for as long again,
and must not take effect twice."""
COMMANDS_KNOWN = timedelta(days=180)
"""A command that is repeated later counts as a new one."""
TOLD_KEPT = timedelta(days=180)
"""Retention of messages already delivered and kept only for reference: the feed, deliveries, used links."""
REPORTS_KEPT = timedelta(days=400)
"""Retention of reports of completed work, for comparison with the previous year."""

BATCH = 2000

AsWhom = Callable[[AsyncSession], Awaitable[None]]


@dataclass(frozen=True)
class Ending:
    """A retention rule. A row of `table` expires `after` its `moment` if it meets the condition `only`. Rows without a
    moment remain."""

    table: sa.Table
    moment: sa.ColumnElement[Any]
    after: timedelta
    only: sa.ColumnElement[bool] | None = None


def common_endings(tables: CommonTables) -> tuple[Ending, ...]:
    """Return the retention rules of the tables that every service has. The first row of each reader's inbox is kept. It
    contains the date of the first event, which shows whether the streams still go back to the beginning."""
    outbox, inbox = tables.outbox, tables.inbox
    commands, dead = tables.stored_results, tables.dead_letters
    first = inbox.alias("first")
    earlier = sa.exists().where(
        first.c.consumer == inbox.c.consumer, first.c.event_id < inbox.c.event_id
    )
    return (
        Ending(outbox, outbox.c.occurred_at, EVENTS_KEPT, outbox.c.published_at.is_not(None)),
        Ending(inbox, inbox.c.handled_at, INBOX_KEPT, earlier),
        Ending(commands, commands.c.created_at, COMMANDS_KNOWN),
        Ending(dead, dead.c.resolved_at, TOLD_KEPT),
    )


async def end_rows(session: AsyncSession, ending: Ending, now: datetime) -> int:
    """Delete one batch and return its size. Skip rows that another replica has locked. The full scan is intended: an
    index by age would cost every command a write, and this runs only a few times a day."""
    table = ending.table
    place: sa.ColumnElement[Any] = sa.literal_column(f"{table.name}.ctid")
    limit = sa.cast(sa.literal(now - ending.after, sa.DateTime(True)), ending.moment.type)
    old = sa.select(place).select_from(table).where(ending.moment < limit)
    if ending.only is not None:
        old = old.where(ending.only)
    batch = old.limit(BATCH).with_for_update(skip_locked=True)
    ended = await session.execute(
        sa.delete(table)
        .where(place == sa.any_(sa.func.array(batch.scalar_subquery())))
        .returning(sa.literal(1))
    )
    return len(ended.all())


async def end_all(
    database: Database, endings: Sequence[Ending], now: datetime, as_whom: AsWhom | None = None
) -> dict[str, int]:
    """Delete expired rows in short transactions. Return the number of rows by table."""
    ended = {}
    for ending in endings:
        count = BATCH
        ended[ending.table.name] = 0
        while count == BATCH:
            async with database.transaction() as session:
                if as_whom is not None:
                    await as_whom(session)
                count = await end_rows(session, ending, now)
            ended[ending.table.name] += count
    return ended
