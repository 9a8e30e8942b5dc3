"""A TCP proxy between a service and PostgreSQL that can cut connections and detect a COMMIT."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stack.embedded.ports import free_port

_COMMIT = b"COMMIT"
_CHUNK = 65536


class Proxy:
    """A proxy. `target` returns the server's port for each connection, and `cut` breaks connections."""

    def __init__(self, target: Callable[[], int]) -> None:
        self.port = free_port()
        self._target = target
        self.instead: int | None = None
        """Another server's port, as long as it takes the first's place."""
        self.cut_after_commit = 0
        self.cut_before_commit = 0
        self.late_commits = 0
        self.late_seconds = 3.0
        self.done: list[str] = []
        self._open: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_CHUNK)
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> int:
        """Reset every connection, whatever it is doing; return the number of connections."""
        pairs = list(self._open)
        for pair in pairs:
            for writer in pair:
                writer.transport.abort()
        return len(pairs)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(
                "127.0.0.1", self.instead or self._target()
            )
        except (OSError, LookupError, RuntimeError):
            writer.transport.abort()
            return
        pair = (writer, up_writer)
        self._open.add(pair)
        answers = asyncio.create_task(_copy(up_reader, writer))
        try:
            await self._requests(reader, writer, up_writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(pair)
            answers.cancel()
            for end in pair:
                with contextlib.suppress(OSError, RuntimeError):
                    end.close()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(_CHUNK):
            if _COMMIT in data and await self._on_commit(data, writer, up):
                return
            up.write(data)
            await up.drain()

    async def _on_commit(
        self, data: bytes, writer: asyncio.StreamWriter, up: asyncio.StreamWriter
    ) -> bool:
        """Apply the planned fault to this COMMIT; return whether this call cut the connection."""
        if self.cut_before_commit > 0:
            self.cut_before_commit -= 1
            self.done.append("before")
            writer.transport.abort()
            up.transport.abort()
            return True
        if self.cut_after_commit > 0:
            self.cut_after_commit -= 1
            self.done.append("after")
            writer.transport.abort()  # The server still receives the COMMIT and executes it.
            up.write(data)
            await up.drain()
            await asyncio.sleep(0.2)
            return True
        if self.late_commits > 0:
            self.late_commits -= 1
            self.done.append("late")
            await asyncio.sleep(self.late_seconds)
        return False


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()
