"""A bad 2G connection: slow, and cut before a request, during it, or during the response. It is a proxy between a
client and the front, in its own thread."""

import asyncio
import contextlib
import itertools
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_NO_BODY = re.compile(rb"HTTP/1\.1 [23]04 ")
# EDGE on a bad day, close to GSMA's figures for 2G.
BYTES_PER_SECOND = 12_000
DELAY_SECONDS = 0.15
BREAKS = ("before", "during", "answer")


class PoorLine:
    """Cuts a `share` of the requests, evenly at the three places; the seed decides which.

    `sent` and `received` count the bytes of HTTP in both directions, including headers, because a client pays for them.
    """

    def __init__(self, port: int, share: float, seed: int) -> None:
        self._target = port
        self._share = share
        self._rng = random.Random(f"poor line {seed}")  # noqa: S311 - a test's dice
        self.port = 0
        self.sent = 0
        self.received = 0
        self.requests = 0
        self.cuts: Counter[str] = Counter()
        self.commands_cut: Counter[str] = Counter()
        self._losing = False
        self._next_commands: Iterator[str | None] = itertools.repeat(None)

    async def serve(self, started: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    @contextmanager
    def breaking(self, share: float) -> Iterator[None]:
        """Cut a share of all requests and every other POST, at each of the three places in turn."""
        self.cuts.clear()
        self.commands_cut.clear()
        each = itertools.cycle(BREAKS)
        self._next_commands = (next(each) if cut else None for cut in itertools.cycle((1, 0)))
        self._share, former = share, self._share
        try:
            yield
        finally:
            self._share, self._next_commands = former, itertools.repeat(None)

    @contextmanager
    def losing(self) -> Iterator[None]:
        """Deliver every request and drop every response."""
        self._losing = True
        try:
            yield
        finally:
            self._losing = False

    def _fate(self, request: bytes) -> str | None:
        fate = self._rng.choice(BREAKS) if self._rng.random() < self._share else None
        if request.startswith(b"POST "):
            fate = next(self._next_commands) or fate
            self.commands_cut[str(fate)] += 1
        return fate

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            while request := await _message(reader):
                self.requests += 1
                fate = self._fate(request)
                if fate is not None:
                    self.cuts[fate] += 1
                if fate == "before":
                    return
                # The front closes idle connections. A client that returns later must not count this as a cut.
                if up_reader.at_eof():
                    up_writer.transport.abort()
                    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
                leaves = request[: len(request) // 2] if fate == "during" else request
                self.sent += len(leaves)
                await _slowly(up_writer, leaves)
                if fate == "during":
                    return
                answer = await _message(up_reader)
                if not answer or self._losing:
                    return
                arrives = answer[: len(answer) // 2] if fate == "answer" else answer
                self.received += len(arrives)
                await _slowly(writer, arrives)
                if fate == "answer":
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            for end in (writer, up_writer):
                with contextlib.suppress(OSError, RuntimeError):
                    end.transport.abort()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Return one request or response with its head and a body of the announced length, or nothing at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    if _NO_BODY.match(head):
        return head
    if _CHUNKED.search(head):
        return head + await _chunks(reader)
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        found += size + await reader.readexactly(int(size.partition(b";")[0], 16) + 2)
        if int(size.partition(b";")[0], 16) == 0:
            return found


async def _slowly(writer: asyncio.StreamWriter, content: bytes) -> None:
    await asyncio.sleep(DELAY_SECONDS + len(content) / BYTES_PER_SECOND)
    writer.write(content)
    await writer.drain()


@contextmanager
def poor_line(port: int, *, share: float, seed: int = 0) -> Iterator[PoorLine]:
    """Yield a bad connection to this port on loopback."""
    line = PoorLine(port, share, seed)
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(line.serve(started, stop),))
    thread.start()
    started.wait()
    try:
        yield line
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
