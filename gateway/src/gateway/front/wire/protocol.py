"""uvicorn's HTTP protocol with the guards that must stand before any ASGI code.

httptools refuses the smuggling forms (CL+TE, bare LF, obs-fold) but hides the form of the request
target, accepts heads of any size, waits for them for ever, and queues any number of pipelined
requests. What it hides or accepts is refused here.
"""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any
from urllib.parse import unquote

import httptools
import orjson
from common.errors import BAD_REQUEST, METHOD_NOT_ALLOWED, Problem
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.front.errors import HEAD_TOO_LARGE, REQUEST_TIMEOUT
from gateway.front.wire.cycles import Cycle
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
    """`head_seconds`, `idle_seconds` and `write_seconds` are class attributes so that settings reach them."""

    head_seconds: float = 15
    idle_seconds: float = 120
    write_seconds: float = 60

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._lingering = 0
        self._refusal: Problem | None = None
        self._deaf = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0
        self._taking_timer: asyncio.TimerHandle | None = None
        self._untaken = float("inf")
        self._begun: Cycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._idle_timer = self.loop.call_later(self.idle_seconds, self._look_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_taking_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_taking_timer()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        begins, before = self._is_waiting(), self.cycle
        if begins:
            self._stop_head_timer()
        super().data_received(data)
        if self._in_head and not self._deaf:
            # Bytes of a header that is not complete reach no callback; count them by the chunk.
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES + _MAX_TARGET_BYTES:
                self._refuse_now(HEAD_TOO_LARGE.because("at_most_bytes", MAX_HEAD_BYTES))
        if begins and self.cycle is before and not self._deaf:
            # Nearly every head comes in one piece, and needs no timer.
            self._await_head()
        begun, self._begun = self._begun, None
        if begun is not None:
            self._run(begun)

    # Parser callbacks
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._lingering = 0
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(BAD_REQUEST.because("too_many_requests_without_reading_answers"))

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > _MAX_TARGET_BYTES:
            self._refuse(HEAD_TOO_LARGE.because("request_target_is_too_long"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE.because("at_most_bytes", MAX_HEAD_BYTES))
        if not self._in_head:
            return  # a trailer: it came behind the body, past whoever looked at the head on the way
        if 0 in value:
            self._refuse(BAD_REQUEST.because("header_must_not_contain_nul"))
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        if not self.url.startswith(b"/") or b"#" in self.url:
            self._refuse(BAD_REQUEST.because("request_target_must_be_path_of_this"))
        if self.parser.get_http_version() not in _VERSIONS:
            # llhttp reads a line without a version as HTTP/0.9, which had no headers.
            self._refuse(BAD_REQUEST.because("only_http_1_1_and_http_1"))
        if self.parser.get_method() not in METHODS:
            self._refuse(METHOD_NOT_ALLOWED.because("this_method_is_not_offered_anywhere_here"))
        upgrade = self.parser.should_upgrade()
        if upgrade and any(
            name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers
        ):
            # The parser stops at an upgrade: the body could be read as a second request.
            self._refuse(BAD_REQUEST.because("request_to_upgrade_must_not_have_body"))
        self._begin(keep_alive=self.parser.should_keep_alive() and not upgrade)
        if upgrade:
            self._deaf = True

    def _begin(self, *, keep_alive: bool) -> None:
        """A request whose head is complete: as uvicorn does it, with a cycle of ours, and without what is off here."""
        scope, target = self.scope, httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = self.parser.get_http_version()
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive and scope["http_version"] != "1.0",
            on_response=self.on_response_complete,
        )
        running, self.cycle = self.cycle, cycle
        if running is None or running.response_complete:
            self._begun = cycle
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _run(self, cycle: Cycle) -> None:
        """Begin at once, as far as it goes without waiting: a turn of the loop less for each request."""
        task = _started(self.loop, cycle.run_asgi(self.app))
        if not task.done():
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self._in_head and self._head_timer is None and not self._deaf:
            # It began in the same piece as the request that is answered now.
            self._await_head()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

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
        refusal = self._refusal or BAD_REQUEST.because("is_not_well_formed_http_1_1")
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

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._head_too_slow)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _is_waiting(self) -> bool:
        """Whether nothing has come yet of the next request."""
        return not self._in_head and (self.cycle is None or self.cycle.response_complete)

    def _look_idle(self) -> None:
        """One timer for a connection, set again when it is over: not one for each answer."""
        left = self._idle_since + self.idle_seconds - self.loop.time()
        if not (self._is_waiting() or self.transport.is_closing()):
            left = self.idle_seconds
        if left <= 0:
            # What is left of a short answer paused nothing, and keeps even a closed connection.
            if self.transport.is_closing() and not self._is_taken():
                self.transport.abort()
                return
            self.transport.close()
            left = self.write_seconds
        self._idle_timer = self.loop.call_later(left, self._look_idle)

    def _await_taking(self) -> None:
        self._untaken = self.transport.get_write_buffer_size()
        self._taking_timer = self.loop.call_later(self.write_seconds, self._look_taking)

    def _stop_taking_timer(self) -> None:
        if self._taking_timer is not None:
            self._taking_timer.cancel()
            self._taking_timer = None

    def _look_taking(self) -> None:
        """Whoever takes nothing of what is ready for them is given up, whatever the answer: what waits for them is
        memory. A slow line goes on."""
        if self._is_taken():
            self._await_taking()
        else:
            self.transport.abort()

    def _is_taken(self) -> bool:
        """Whether something waits for the client, and less than when this was asked before."""
        before, self._untaken = self._untaken, self.transport.get_write_buffer_size()
        return 0 < self._untaken < before

    def _head_too_slow(self) -> None:
        if self._in_head or self.cycle is None or self.cycle.response_complete:
            self._refuse_now(REQUEST_TIMEOUT.because("request_head_did_not_arrive_in_time"))


def _started(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]
) -> asyncio.Task[None]:
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, eager_start=True)
    return loop.create_task(work)


def _answer(problem: Problem) -> bytes:
    body = orjson.dumps(problem.body())
    status = problem.kind.status
    reason = _REASONS.get(status, b"Request Header Fields Too Large")
    return (
        b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
        b"x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        % (status, reason, len(body))
    ) + body
