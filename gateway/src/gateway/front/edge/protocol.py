"""uvicorn's HTTP protocol with additional guards. Each guard names the test that fails without it.

httptools rejects the forms of request smuggling (CL+TE, bare LF, obs-fold). Without the guards, uvicorn waits
indefinitely for a head, and for a client that reads nothing. It also accepts heads of any size, queues any number of
requests and hides the form of the request target.
"""

import asyncio
import http
from typing import Any

import orjson
from common.errors import BAD_REQUEST, Problem
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.front.edge.heads import MAX_HEAD_BYTES, MAX_PATH_BYTES, MAX_QUERY_BYTES
from gateway.front.errors import HEAD_TOO_LARGE, REQUEST_TIMEOUT

MAX_PIPELINED = 8
_MOST_WAITING_BYTES = MAX_HEAD_BYTES + MAX_PATH_BYTES + MAX_QUERY_BYTES


class _Refused(Exception):
    """Raised inside parser callbacks; httptools wraps it in its own error."""


class GuardedProtocol(HttpToolsProtocol):
    """A guarded connection. `head_seconds` and `write_seconds` are class attributes, so that settings can change
    them."""

    head_seconds: float = 15
    write_seconds: float = 60

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._taking_timer: asyncio.TimerHandle | None = None
        self._untaken = float("inf")
        self._refusal: Problem | None = None
        self._deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Close a connection on which nothing arrives (`test_a_connection_that_says_nothing_is_closed`)."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self._taking_timer = self.loop.call_later(self.write_seconds, self._look_taking)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        self._stop_head_timer()
        if self._taking_timer is not None:
            self._taking_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Limit the time for receiving a head (`test_a_head_that_trickles_in_is_cut_off`) and its memory
        (`test_a_head_of_300_kilobytes`)."""
        if self._deaf:
            return
        cycle, scope = self.cycle, self.scope
        super().data_received(data)
        if self._deaf:
            return
        if self._in_head:
            # A chunk that began with the end of another request is not counted.
            self._head_bytes = self._head_bytes + len(data) if self.scope is scope else 0
            if self._head_bytes > _MOST_WAITING_BYTES:
                self._refuse_now(HEAD_TOO_LARGE.because("at_most_bytes", MAX_HEAD_BYTES))
                return
        if self.cycle is cycle and self._is_answered():
            self._await_head()

    def on_message_begin(self) -> None:
        """Limit the number of requests whose responses are not read
        (`test_requests_without_reading_the_answers_are_bounded`)."""
        super().on_message_begin()
        self._in_head = True
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(BAD_REQUEST.because("too_many_requests_without_reading_answers"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Drop trailers, because the header checks did not cover them
        (`test_what_stands_behind_the_body_is_no_header`)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse requests that ASGI would disguise: other forms of target (`test_a_target_that_is_no_path`), and an
        upgrade with a body. The parser stops at that body, which could contain a hidden second request
        (`test_an_upgrade_is_ignored_and_hides_no_second_request`)."""
        self._in_head = False
        self._stop_head_timer()
        if not self.url.startswith(b"/") or b"#" in self.url:
            self._refuse(BAD_REQUEST.because("request_target_must_be_path_of_this"))
        upgrade = self.parser.should_upgrade()
        framing = {b"content-length", b"transfer-encoding"}
        if upgrade and any(name in framing for name, _ in self.headers):
            self._refuse(BAD_REQUEST.because("request_to_upgrade_must_not_have_body"))
        super().on_headers_complete()
        if upgrade:
            self.cycle.keep_alive = False
            self._deaf = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._untaken = float("inf")
        if self._in_head and not self._deaf:
            # The next head arrived together with the completed request.
            self._await_head()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._untaken = float("inf")

    def send_400_response(self, msg: str) -> None:
        self._refuse_now(self._refusal or BAD_REQUEST.because("is_not_well_formed_http_1_1"))

    def _refuse(self, problem: Problem) -> None:
        self._refusal = problem
        raise _Refused

    def _refuse_now(self, problem: Problem) -> None:
        """Stop reading from this connection. Send a problem detail, unless a response has begun."""
        self._deaf = True
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # Malformed bytes followed a complete request, so finish its response and then close the connection.
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        self.transport.write(_answer(problem))
        self.transport.close()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._head_too_slow)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if self._is_answered():
            self._refuse_now(REQUEST_TIMEOUT.because("request_head_did_not_arrive_in_time"))

    def _look_taking(self) -> None:
        """Close the connection if the client has read nothing since the last check, because unread responses use
        memory. The connection of a slow client stays open
        (`test_answers_that_nobody_takes_are_neither_in_memory_for_each_of_them_nor_kept_for_ever`)."""
        # While the response is still growing, the buffer's size does not show whether the client is reading.
        settled = self.flow.write_paused or self._is_answered()
        waiting = self.transport.get_write_buffer_size()
        if settled and waiting >= self._untaken:
            self.transport.abort()
            return
        self._untaken = waiting if settled and waiting else float("inf")
        self._taking_timer = self.loop.call_later(self.write_seconds, self._look_taking)


def _answer(problem: Problem) -> bytes:
    body = orjson.dumps(problem.body())
    status = http.HTTPStatus(problem.kind.status)
    return (
        b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
        b"x-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        % (status, status.phrase.encode(), len(body))
    ) + body
