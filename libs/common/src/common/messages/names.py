"""Resolves host names on separate threads. The few threads of an event loop also serve the database, so hanging lookups
there would delay every message."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

_T = TypeVar("_T")


class Names:
    """Resolves the names for one relay, or for one HTTP client."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="names")

    async def addresses(self, host: str, port: int) -> list[tuple[Any, ...]]:
        return await self._run(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))

    async def connected(self, host: str, port: int, seconds: float) -> socket.socket:
        """Return a socket to the first address of the host that accepts a connection within `seconds`."""
        found = await self._run(partial(socket.create_connection, (host, port), seconds))
        found.setblocking(False)
        return found

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
