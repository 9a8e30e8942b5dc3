"""One question that many ask at the same time, asked once for all who wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Ask = Callable[[], Awaitable[Any]]


class AskedTogether:
    """Each is answered by an asking that began after they came: whoever comes while one is under way waits for
    the next one, with all who came meanwhile. So nobody is told what was true before they asked."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._under_way: asyncio.Future[None] | None = None
        self._next: asyncio.Task[Any] | None = None

    async def answer(self) -> Any:
        """Raises what the asking raises."""
        if self._next is None and self._under_way is None:
            return await self._asked()
        if self._next is None:
            self._next = asyncio.create_task(self._asked_next())
        # Who gives up waiting leaves the others what they wait for.
        return await asyncio.shield(self._next)

    async def _asked_next(self) -> Any:
        if self._under_way is not None:
            await self._under_way
        self._next = None
        return await self._asked()

    async def _asked(self) -> Any:
        self._under_way = under_way = asyncio.get_running_loop().create_future()
        try:
            return await self._ask()
        finally:
            self._under_way = None
            under_way.set_result(None)
