"""uvicorn's HTTP protocol with the guards that must stand before any ASGI code.

httptools refuses the smuggling forms (CL+TE, bare LF, obs-fold) but hides the form of the request
target, accepts heads of any size, waits for them for ever, and queues any number of pipelined
requests. What it hides or accepts is refused here.
"""

import asyncio
from typing import Any

import orjson
from common.errors import BAD_REQUEST, METHOD_NOT_ALLOWED, Problem
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.front.errors import HEAD_TOO_LARGE, REQUEST_TIMEOUT
from gateway.front.wire.heads import MAX_HEAD_BYTES
from gateway.front.wire.targets import MAX_PATH_BYTES, MAX_QUERY_BYTES

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_VERSIONS = frozenset({"1.0", "1.1"})
MAX_PIPELINED = 8
MAX_LINGERING_BYTES = 16 * 1024 * 1024
_MAX_TARGET_BYTES = MAX_PATH_BYTES + MAX_QUERY_BYTES + 1
_REASONS = {400: b"Bad Request", 405: b"Method Not Allowed", 408: b"Request Timeout"}


class _Refused(Exception):
    """Raised inside parser callbacks; httptools wraps it in its own error."""


class GuardedProtocol(HttpToolsProtocol):
    """`head_seconds` and `idle_seconds` are class attributes so that settings reach them."""

    head_seconds: float = 15
    idle_seconds: float = 120

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._lingering = 0
        self._refusal: Problem | None = None
        self._deaf = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.idle_seconds, self._close_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if not self._in_head and (self.cycle is None or self.cycle.response_complete):
            self._stop_head_timer()
            self._head_timer = self.loop.call_later(self.head_seconds, self._head_too_slow)
        super().data_received(data)
        if self._in_head and not self._deaf:
            # Bytes of a header that is not complete reach no callback; count them by the chunk.
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES + _MAX_TARGET_BYTES:
                self._refuse_now(HEAD_TOO_LARGE.because(f"At most {MAX_HEAD_BYTES} bytes."))

    # Parser callbacks
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._lingering = 0
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(BAD_REQUEST.because("Too many requests without reading the answers."))

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > _MAX_TARGET_BYTES:
            self._refuse(HEAD_TOO_LARGE.because("The request target is too long."))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE.because(f"At most {MAX_HEAD_BYTES} bytes."))
        if 0 in value:
            self._refuse(BAD_REQUEST.because("A header must not contain NUL."))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        if not self.url.startswith(b"/") or b"#" in self.url:
            self._refuse(BAD_REQUEST.because("The request target must be a path of this server."))
        if self.parser.get_http_version() not in _VERSIONS:
            # llhttp reads a line without a version as HTTP/0.9, which had no headers.
            self._refuse(BAD_REQUEST.because("Only HTTP/1.1 and HTTP/1.0 are spoken here."))
        if self.parser.get_method() not in METHODS:
            self._refuse(METHOD_NOT_ALLOWED.because("This method is not offered anywhere here."))
        upgrade = self.parser.should_upgrade()
        if upgrade and any(
            name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers
        ):
            # The parser stops at an upgrade: the body could be read as a second request.
            self._refuse(BAD_REQUEST.because("A request to upgrade must not have a body."))
        super().on_headers_complete()
        if upgrade:
            self.cycle.keep_alive = False
            self._deaf = True

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            # The answer has left already (413, say). Reading on lets the client see it.
            self._lingering += len(body)
            if self._lingering > MAX_LINGERING_BYTES:
                self._deaf = True
                self.transport.close()
            return
        super().on_body(body)

    def _unsupported_upgrade_warning(self) -> None:
        """Upgrades are ignored, as RFC 9110 §7.8 allows; an attacker need not fill the log."""

    def send_400_response(self, msg: str) -> None:
        refusal = self._refusal or BAD_REQUEST.because("This is not well-formed HTTP/1.1.")
        self._refuse_now(refusal)

    def _refuse(self, problem: Problem) -> None:
        self._refusal = problem
        raise _Refused

    def _refuse_now(self, problem: Problem) -> None:
        """Hear nothing more on this connection; say why, if there is a place to say it."""
        self._deaf = True
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # A whole request is being answered and what follows it is broken: answer, close.
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        self.transport.write(_answer(problem))
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close_idle(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _head_too_slow(self) -> None:
        if self._in_head or self.cycle is None or self.cycle.response_complete:
            self._refuse_now(REQUEST_TIMEOUT.because("The request head did not arrive in time."))


def _answer(problem: Problem) -> bytes:
    body = orjson.dumps(problem.body())
    status = problem.kind.status
    reason = _REASONS.get(status, b"Request Header Fields Too Large")
    return (
        b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
        b"x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        % (status, reason, len(body))
    ) + body
