"""Reads a request body from ASGI: small bodies at once, and large bodies as a stream with limits."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from common.errors import TOO_LARGE, Problem

from gateway.front.errors import REQUEST_TIMEOUT

MOST_FORM_BYTES = 64 * 1024
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class Body:
    """The body of one request. `complete` means that the client has sent the whole body. `failure` is the client's
    error, which aiohttp would report only as a broken connection."""

    def __init__(
        self, receive: Receive, *, limit: int, idle_seconds: float, total_seconds: float
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._deadline = time.monotonic() + total_seconds
        self._received = 0
        self.complete = False
        self.first = b""
        self.failure: Problem | ClientLeft | None = None
        self._kept: bytearray | None = None
        self._streams = False

    def keep(self) -> None:
        """Keep the bytes that arrive from now on, up to the maximum size of a form, so that the page for a refused form
        can show the typed text again."""
        self._kept = bytearray()

    async def kept(self) -> bytes | None:
        """Return the whole body, or None if it is too long, incomplete, or still being streamed to a service."""
        if self._streams and not self.complete:
            return None
        try:
            while not self.complete and self._kept is not None:
                await self._next()
        except (Problem, ClientLeft):
            return None
        return None if self._kept is None else bytes(self._kept)

    async def start(self) -> None:
        """Read the first chunk. Afterwards, `complete` tells whether that was the whole body."""
        self.first = await self._next()

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the first chunk and the rest. Reading only on demand creates back-pressure."""
        self._streams = True
        if self.first:
            yield self.first
            self.first = b""
        try:
            while not self.complete:
                chunk = await self._next()
                if chunk:
                    yield chunk
        except (Problem, ClientLeft) as failure:
            self.failure = failure
            raise

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise REQUEST_TIMEOUT.because("body_stopped_arriving") from None
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        if self._received > self._limit:
            raise TOO_LARGE.because("at_most_bytes_are_accepted_here", self._limit, pointer="")
        if time.monotonic() > self._deadline:
            raise REQUEST_TIMEOUT.because("body_took_too_long_to_arrive")
        self.complete = not message.get("more_body", False)
        if self._kept is not None:
            self._kept += chunk
            if len(self._kept) > MOST_FORM_BYTES:
                self._kept = None
        return chunk
