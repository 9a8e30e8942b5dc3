"""Work that repeats until its process stops, with pauses in between."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait for `seconds`, or until `stop`."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def repeat(
    work: Callable[[], Awaitable[object]], seconds: float, stop: asyncio.Event
) -> None:
    """Repeat `work` until `stop`: immediately if it reports work done, and otherwise after `seconds`."""
    while not stop.is_set():
        if not await work():
            await pause(stop, seconds)


async def repeat_when_called(
    work: Callable[[], Awaitable[object]],
    called: asyncio.Event,
    seconds: float,
    stop: asyncio.Event,
) -> None:
    """Repeat like `repeat`, but end the pause early when `called` is set."""
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
