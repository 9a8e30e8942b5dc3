"""The queue of one transport. Messages are sent concurrently, so no message waits for the response to another one."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

One = TypeVar("One")
Claim = Callable[[int, bool], Awaitable[tuple[int, Sequence[One]]]]

_SLOTS = 20
_KEPT = 5
"""Slots reserved for urgent messages, even while routine ones hang."""


async def work_off(
    claim: Claim[One],
    tell: Callable[[One], Coroutine[Any, Any, None]],
    called: asyncio.Event,
    seconds: float,
    stop: asyncio.Event,
) -> None:
    """Send the messages that `claim` returns, each in its own task, until `stop`.

    Claim again when `called` is set, when a message is done, and after `seconds`. `claim` takes the number of free
    slots, and whether only urgent messages may use them. It returns the number of messages that it examined, and the
    messages that it claimed. `tell` must finish within the time limit of one message, so that a stop never waits
    longer.
    """
    under_way: set[asyncio.Task[None]] = set()
    try:
        while not stop.is_set():
            called.clear()
            free = _SLOTS - len(under_way)
            only_urgent = free <= _KEPT
            looked_at = 0
            if free:
                looked_at, taken = await claim(free if only_urgent else free - _KEPT, only_urgent)
                under_way |= {asyncio.create_task(tell(one)) for one in taken}
            if not looked_at:
                await _any_of(under_way, (called, stop), seconds)
            under_way = {task for task in under_way if not task.done()}
    except asyncio.CancelledError:
        for task in under_way:
            task.cancel()
        raise
    finally:
        if under_way:
            await asyncio.wait(under_way)


async def _any_of(
    tasks: set[asyncio.Task[None]], events: Sequence[asyncio.Event], seconds: float
) -> None:
    waits = [asyncio.ensure_future(each.wait()) for each in events]
    try:
        await asyncio.wait({*tasks, *waits}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
