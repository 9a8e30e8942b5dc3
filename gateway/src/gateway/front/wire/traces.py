"""W3C trace context: passed on, or begun here, so that one id follows a request everywhere."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from common.process.telemetry import current_traceparent, extract, tracer
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from gateway.front.wire.heads import Head, Header


class Traces:
    """`recording`: whether a collector is configured; else ids are passed on without spans."""

    def __init__(self, *, recording: bool) -> None:
        self.recording = recording

    @contextmanager
    def span(self, head: Head, method: str) -> Iterator[Span]:
        """Only while recording."""
        carrier = {"traceparent": (head.traceparent or b"").decode()}
        with tracer.start_as_current_span(
            method,
            context=extract(carrier),
            kind=SpanKind.SERVER,
            # The text of an error may quote what a person wrote.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    @staticmethod
    def finish(span: Span, method: str, route: str, status: int) -> None:
        """Name the span by the route's capability, never by the URL."""
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))

    def outgoing(self, head: Head) -> list[Header]:
        current = current_traceparent() if self.recording else None
        if current is not None:
            return [(b"traceparent", current.encode())]
        given = head.traceparent
        if given is None:
            ids = secrets.token_hex(24)
            return [(b"traceparent", f"00-{ids[:32]}-{ids[32:]}-00".encode())]
        state = head.tracestate
        return [(b"traceparent", given), *([(b"tracestate", state)] if state else [])]
