"""Look-ups of names on threads of their own. All look-ups of an event loop share a few threads, also those of the
database: some names that hang would hold up every message."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

_T = TypeVar("_T")


class Names:
    """Of one relay, or of all addresses that one client calls."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="names")

    async def addresses(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """As `socket.getaddrinfo`."""
        return await self._run(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))

    async def connected(self, host: str, port: int, seconds: float) -> socket.socket:
        """A socket to the first of its addresses that answers within `seconds`."""
        found = await self._run(partial(socket.create_connection, (host, port), seconds))
        found.setblocking(False)
        return found

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
