"""Sends the gap counters to reporting, an hour's observations at a time.

Waiting for the hour keeps the time of a single question out of the event stream.
"""

import asyncio
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from common.events.directory import GapObserved
from common.messaging import outbox
from common.repeating import pause
from common.web import BackgroundTask, ServiceContext
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.gaps.models import gap_observations
from services_directory.tables import COMMON

EVERY_SECONDS = 3600.0
BATCH = 500


def tasks(context: ServiceContext) -> list[BackgroundTask]:
    """The background task of the gap counter."""

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, EVERY_SECONDS)
            async with context.database.transaction() as session:
                await announce_observed(session)

    return [BackgroundTask("gap-counter", run)]


async def announce_observed(session: AsyncSession) -> int:
    """Append one event per counter that rose; `count` is the day's total so far (of rows from
    before counting by day: the week's)."""
    waiting = (
        await session.execute(
            sa.select(gap_observations)
            .where(gap_observations.c.count > gap_observations.c.announced)
            .order_by(*gap_observations.primary_key.columns)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
    ).mappings()
    told = 0
    for row in waiting:
        counter = " ".join(row[name] for name in ("area", "need", "grp", "week"))
        await session.execute(
            sa.update(gap_observations)
            .where(
                gap_observations.c.area == row["area"],
                gap_observations.c.need == row["need"],
                gap_observations.c.grp == row["grp"],
                gap_observations.c.week == row["week"],
            )
            .values(announced=row["count"], event_version=row["event_version"] + 1)
        )
        event = GapObserved(
            area=row["area"],
            need=row["need"],
            group=row["grp"],
            **_when(row["week"]),
            count=row["count"],
            version=row["event_version"] + 1,
        )
        aggregate = uuid5(NAMESPACE_URL, f"ruta:gap:{counter}")
        await outbox.append(session, COMMON, event, aggregate_id=aggregate, aggregate_type="gap")
        told += 1
    return told


def _when(counted: str) -> dict[str, Any]:
    """The ISO week and, if the row knows it, the day."""
    if "W" in counted:
        return {"week": counted}
    day = date.fromisoformat(counted)
    year, week, _ = day.isocalendar()
    return {"week": f"{year}-W{week:02d}", "day": day}
