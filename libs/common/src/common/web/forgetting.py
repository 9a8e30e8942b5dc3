"""Stored answers end after a day. Nobody is given one later; here they are also deleted."""

import asyncio
import contextlib

from common import clock
from common.answers import forget_old_answers
from common.web.context import BackgroundTask, ServiceContext
from common.web.idempotency import KEPT_FOR

_EVERY_SECONDS = 300.0


def forgetting(context: ServiceContext) -> BackgroundTask:
    """Looks every five minutes; fails like any background task while the database is away."""

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with context.database.transaction() as session:
                await forget_old_answers(session, context.tables, clock.now() - KEPT_FOR)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY_SECONDS)

    return BackgroundTask("stored-answers", run)
