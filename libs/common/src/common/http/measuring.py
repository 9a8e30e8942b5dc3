"""Gauges that no request and no event moves: waiting dead letters, and what a service adds."""

from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from common.http.context import BackgroundTask, ServiceContext

_EVERY_SECONDS = 15.0

Measure = Callable[[], Awaitable[None]]


def measuring(context: ServiceContext) -> BackgroundTask:
    """Counts every 15 seconds; fails like any background task while the database is away."""
    dead = context.tables.dead_letters
    count = sa.select(sa.func.count()).where(dead.c.resolved_at.is_(None))

    async def count_all() -> None:
        async with context.database.transaction() as session:
            context.metrics.dead_letters.set(await session.scalar(count) or 0)
        for measure in context.measures:
            await measure()

    return BackgroundTask.repeated("measuring", count_all, _EVERY_SECONDS)
