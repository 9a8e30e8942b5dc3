"""The background task of the gap counter: tells what was met, and recounts what a new day opened or closed."""

import asyncio

from common.http import BackgroundTask, ServiceContext
from common.process.repeating import pause

from directory.pathways.gaps.announcing import announce_observed
from directory.pathways.gaps.projection import CHUNK, turn_seasons

EVERY_SECONDS = 3600.0


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
