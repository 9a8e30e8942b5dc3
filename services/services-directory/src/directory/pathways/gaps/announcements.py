"""Sends the gap counters to reporting once an hour, and recounts services when their season begins or ends. The hourly
batch keeps the time of each query out of the event stream."""

import asyncio
from datetime import date
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from common.events.directory import GapObserved
from common.http import BackgroundTask, ServiceContext
from common.messaging import outbox
from common.process.loops import pause
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.gaps.models import gap_observations
from directory.pathways.gaps.projection import CHUNK, turn_seasons
from directory.tables import COMMON

BATCH = 500
EVERY_SECONDS = 3600.0
_KEY = tuple(gap_observations.primary_key.columns)
_key_of = itemgetter(*(column.name for column in _KEY))
_ROSE = (
    sa.select(*_KEY)
    .where(gap_observations.c.count > gap_observations.c.announced)
    .order_by(*_KEY)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
    .cte("rose")
)
_TOLD = (
    sa.update(gap_observations)
    .where(*(column == _ROSE.c[column.name] for column in _KEY))
    .values(announced=gap_observations.c.count, event_version=gap_observations.c.event_version + 1)
    .returning(*_KEY, gap_observations.c.count, gap_observations.c.event_version)
)


async def announce_observed(session: AsyncSession) -> int:
    """Append one event per counter that increased. `count` is the day's total so far. Old rows count a whole week."""
    rows = (await session.execute(_TOLD)).mappings().all()
    await outbox.append_all(session, COMMON, [_event(row) for row in sorted(rows, key=_key_of)])
    return len(rows)


def _event(row: sa.RowMapping) -> GapObserved:
    return GapObserved(
        area=row["area"],
        need=row["need"],
        group=row["grp"],
        **_when(row["week"]),
        count=row["count"],
        version=row["event_version"],
    )


def _when(counted: str) -> dict[str, Any]:
    """Return the ISO week and, if the row has one, the day."""
    if "W" in counted:
        return {"week": counted}
    day = date.fromisoformat(counted)
    year, week, _ = day.isocalendar()
    return {"week": f"{year}-W{week:02d}", "day": day}


def tasks(context: ServiceContext) -> list[BackgroundTask]:
    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with context.database.transaction() as session:
                more = await turn_seasons(session) == CHUNK
            if more:
                continue
            await pause(stop, EVERY_SECONDS)
            async with context.database.transaction() as session:
                await announce_observed(session)

    return [BackgroundTask("gap-counter", run)]
