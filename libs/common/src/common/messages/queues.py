"""The queue of one transport: messages leave side by side, and none waits for another one's answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

One = TypeVar("One")
Claim = Callable[[int, bool], Awaitable[tuple[int, Sequence[One]]]]

_SLOTS = 20
_KEPT = 5
"""Slots that only urgent messages use: routine ones that hang leave these free."""


async def work_off(
    claim: Claim[One],
    tell: Callable[[One], Coroutine[Any, Any, None]],
    called: asyncio.Event,
    seconds: float,
    stop: asyncio.Event,
) -> None:
    """Tell what `claim` returns until `stop`, each message as its own task. Looks again when it is `called`, when a
    message is settled, and after `seconds`.

    `claim` gets how many messages it may take and whether only urgent ones; it returns how many it looked at before
    what it took. `tell` ends within the limit of one message, so that a stop or a failed claim waits no longer.
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
