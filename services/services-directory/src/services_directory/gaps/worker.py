"""The background task of the gap counter."""

import asyncio

from common.repeating import pause
from common.web import BackgroundTask, ServiceContext

from services_directory.gaps.announcing import announce_observed

EVERY_SECONDS = 3600.0


def tasks(context: ServiceContext) -> list[BackgroundTask]:
    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, EVERY_SECONDS)
            async with context.database.transaction() as session:
                await announce_observed(session)

    return [BackgroundTask("gap-counter", run)]
