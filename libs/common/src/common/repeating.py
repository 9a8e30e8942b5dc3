"""What goes on until its process stops: work, and the pauses between."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """So long, or until `stop`."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def repeat(
    work: Callable[[], Awaitable[object]], seconds: float, stop: asyncio.Event
) -> None:
    """Work until `stop`; at once again while it says that there was something to do."""
    while not stop.is_set():
        if not await work():
            await pause(stop, seconds)
