"""Work that repeats until its process stops, and the pauses between."""

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


async def repeat_when_called(
    work: Callable[[], Awaitable[object]],
    called: asyncio.Event,
    seconds: float,
    stop: asyncio.Event,
) -> None:
    """As `repeat`; sooner than after `seconds` once it is `called`."""
    while not stop.is_set():
        called.clear()
        if not await work():
            await _either(stop, called, seconds)


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    waiting = [asyncio.ensure_future(each.wait()) for each in (one, other)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
