"""Kept HTTP/1.1 connections to one replica of a service, streaming both ways.

Written on httptools, the parser that the server side uses as well, because a general client was
nearly half of the front's work for each request (docs/decisions/0020). It does only what passing on
needs: no redirects, no cookies, no decompression, no proxies.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator
from typing import cast
from urllib.parse import urlsplit

import httptools

from gateway.front.wire.bodies import Body
from gateway.front.wire.heads import Header

# Below the 75 seconds that services keep a connection, so that we never write to a closing one.
_KEPT_SECONDS = 60.0
_BUFFER_BYTES = 64 * 1024
_LOOK_SECONDS = 1.0
_BODILESS_STATUSES = frozenset({204, 304})
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


class Unreachable(Exception):
    """No connection could be made: the service cannot have seen the request."""


class Broken(Exception):
    """The connection ended before the answer did. What the service did is unknown."""


class Silent(Exception):
    """The service took too long to answer or to go on answering."""


class Answer:
    """The head of an answer, and its body as it arrives.

    `content_length`: bytes of the body if the service said so. Release it when done: a connection
    whose answer was read to its end is used again, any other is closed.
    """

    __slots__ = ("_connection", "content_length", "content_type", "headers", "status")

    def __init__(self, connection: "_Connection", status: int, headers: list[Header]) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers
        named = dict(headers)
        self.content_type = named.get(b"content-type", b"")
        length = named.get(b"content-length")
        self.content_length = int(length) if length is not None and length.isdigit() else None

    def whole(self) -> bytes | None:
        """The body if all of it is here already, which it is for nearly every answer."""
        return self._connection.whole()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; Broken or Silent if it ends too early."""
        while (chunk := await self._connection.next_chunk()) is not None:
            yield chunk

    def release(self) -> None:
        self._connection.release()


class Connections:
    """The connections to `url`, an origin such as `http://directory:8000`.

    `connect_seconds`: longest time to connect; `answer_seconds`: longest silence; `tls`: whom to take for the one at
    an https address (none: whomever a public authority knows).
    """

    def __init__(
        self,
        url: str,
        *,
        connect_seconds: float,
        answer_seconds: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is not an http or https address")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/").encode()
        self._host_line = b"host: " + parts.netloc.encode()
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()
        self._watch: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> int:
        """How many requests are under way."""
        return len(self._busy)

    async def request(
        self, method: str, target: bytes, headers: list[Header], body: Body | None
    ) -> Answer:
        """Send a request and wait for the head of its answer.

        Raises Unreachable, Broken, Silent, or what the client's own body failed with.
        """
        connection = self._kept() or await self._new()
        self._busy.add(connection)
        if self._watch is None:
            self._look_later()
        try:
            return await connection.exchange(
                method, self._head(method, target, headers, body), body
            )
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close what is idle and break off what is not."""
        if self._watch is not None:
            self._watch.cancel()
        for connection in [*self._idle, *self._busy]:
            connection.close()

    def _head(self, method: str, target: bytes, headers: list[Header], body: Body | None) -> bytes:
        lines = [b"%b %b%b HTTP/1.1" % (method.encode(), self._prefix, target), self._host_line]
        lines += map(b": ".join, headers)
        if body is None:
            if method in _BODY_METHODS:
                lines.append(b"content-length: 0")
        elif body.complete:
            lines.append(b"content-length: %d" % len(body.first))
        elif not any(name == b"content-length" for name, _ in headers):
            lines.append(b"transfer-encoding: chunked")
        lines.append(b"\r\n")
        return b"\r\n".join(lines)

    def _kept(self) -> "_Connection | None":
        oldest = asyncio.get_running_loop().time() - _KEPT_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.heard > oldest and not connection.closing:
                return connection
            connection.close()
        return None

    async def _new(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self), self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError) as error:
            raise Unreachable from error
        return connection

    def done_with(self, connection: "_Connection", *, again: bool) -> None:
        self._busy.discard(connection)
        if again:
            self._idle.append(connection)

    def lost(self, connection: "_Connection") -> None:
        self._busy.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    def _look_later(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """One timer for all connections: a timer per request would cost more than a second's
        precision is worth."""
        self._watch = None
        oldest = asyncio.get_running_loop().time() - self._answer_seconds
        for connection in list(self._busy):
            if connection.waited_for and connection.heard < oldest:
                connection.fail(Silent())
        if self._busy:
            self._look_later()


class _Connection(asyncio.Protocol):
    """One connection, one request at a time. `heard`: loop time of the last byte or the request."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[Header] = []
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._paused = False
        self._method = ""
        self._answer: asyncio.Future[Answer] | None = None
        self._more: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._sender: asyncio.Task[None] | None = None
        self._until_end = self._complete = self._keep = False
        self._error: Exception | None = None
        self.heard = 0.0
        self.closing = False

    @property
    def waited_for(self) -> bool:
        """Whether the service is silent, rather than the client slow to take or to send."""
        answering = self._answer is not None and not self._answer.done()
        sending = self._sender is not None and not self._sender.done()
        return (answering and not sending) or self._more is not None

    # What the pool and the answer ask for
    async def exchange(self, method: str, head: bytes, body: Body | None) -> Answer:
        self._method = method
        self._headers = []
        self._until_end = self._complete = self._keep = False
        self._sender = None
        self.heard = self._loop.time()
        self._answer = self._loop.create_future()
        if body is None:
            self._transport.write(head)
        elif body.complete:
            self._transport.write(head + body.first)
        else:
            self._sender = self._loop.create_task(self._send(head, body))
        return await self._answer

    def whole(self) -> bytes | None:
        if not self._complete:
            return None
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        self._read_on()
        return body

    async def next_chunk(self) -> bytes | None:
        while not self._chunks:
            if self._complete:
                return None
            if self._error is not None:
                raise self._error
            self._more = self._loop.create_future()
            self.heard = self._loop.time()
            try:
                await self._more
            finally:
                self._more = None
        chunk = self._chunks.popleft()
        self._buffered -= len(chunk)
        self._read_on()
        return chunk

    def _read_on(self) -> None:
        """Also where an answer came whole in one piece: the connection would be deaf to the next."""
        if self._paused and self._buffered < _BUFFER_BYTES and not self.closing:
            self._paused = False
            self._transport.resume_reading()

    def release(self) -> None:
        sent = self._sender is None or (self._sender.done() and not self._sender.cancelled())
        again = self._complete and self._keep and sent and not self._chunks and not self.closing
        if again:
            self._pool.done_with(self, again=True)
        else:
            self.close()

    def close(self) -> None:
        self.closing = True
        if self._sender is not None:
            self._sender.cancel()
        if self._transport is not None:
            # Not close(): what a broken-off upload has left in the buffer need not arrive.
            self._transport.abort()
        self._pool.done_with(self, again=False)

    def fail(self, error: Exception) -> None:
        """Tell whoever waits, and end the connection."""
        self._error = self._error or error
        self.closing = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self._wake()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self.close()

    async def _send(self, head: bytes, body: Body) -> None:
        """Send a body as the client sends it; its failures end the whole exchange."""
        chunked = b"\r\ntransfer-encoding: chunked\r\n" in head
        try:
            self._transport.write(head)
            async for chunk in body.stream():
                if self._drained is not None:
                    await self._drained
                if self.closing:
                    return
                self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            if chunked:
                self._transport.write(b"0\r\n\r\n")
            self.heard = self._loop.time()
        except Exception as error:  # noqa: BLE001 - handed on to the one who waits for the answer
            self.fail(error)

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    # asyncio's callbacks
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.heard = self._loop.time()
        if self._answer is None or self._complete:
            # Nobody asked: a service that speaks out of turn is not listened to.
            self.fail(Broken())
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(Broken())
        if self._buffered >= _BUFFER_BYTES and not self._paused and not self.closing:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        if self._until_end and not self._complete:
            self.on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        if self._until_end and not self._complete and exc is None:
            self.on_message_complete()
        if not self._complete:
            self.fail(Broken())
        self._pool.lost(self)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None

    # The parser's callbacks
    def on_message_begin(self) -> None:
        if self._complete:
            raise Broken  # stops the parser: the answer stands, the connection ends

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = []
            return
        names = {name for name, _ in self._headers}
        bodiless = self._method == "HEAD" or status in _BODILESS_STATUSES
        framed = b"content-length" in names or b"transfer-encoding" in names
        self._keep = self._parser.should_keep_alive() and (framed or bodiless)
        self._until_end = not framed and not bodiless
        if self._method == "HEAD":
            # The parser would wait for the body that the head announces.
            self._complete = True
            self._parser = httptools.HttpResponseParser(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self, status, self._headers))

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._buffered += len(body)
        self._wake()

    def on_message_complete(self) -> None:
        if self._answer is None or not self._answer.done():
            return  # the end of a 1xx
        self._complete = True
        self._wake()
