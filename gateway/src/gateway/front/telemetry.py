"""Access log, metrics and traces of the front. None of them identifies a person.

A log line contains no address, query or user agent, and contains the path only up to the capability
(`/referrals/v1/cases`). Metrics count by capability and status, never by client.
"""

import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from common import clock
from common.process.telemetry import current_traceparent, extract, tracer
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.front.edge.heads import Head, Header

_SEGMENT = re.compile(r"[a-z_-]{1,40}")


def capability(path: str, prefix: str) -> str:
    """Return the route's prefix and the next segment, if that segment looks like one of our names."""
    rest = path[len(prefix) + 1 :]
    segment = rest.partition("/")[0]
    if not segment:
        return prefix
    return f"{prefix}/{segment}" if _SEGMENT.fullmatch(segment) else f"{prefix}/*"


def log_request(**fields: Any) -> None:
    """Write one line of the access log to standard error, as JSON."""
    line = {"event": "request", "service": "gateway", "timestamp": clock.now(), **fields}
    sys.stderr.write(orjson.dumps(line).decode() + "\n")


_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class FrontMetrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "ruta_http_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "ruta_http_request_seconds",
            "Time from request to last byte of the answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.open = Gauge("ruta_gateway_open_requests", "Open requests.", registry=self.registry)
        self.memory = Gauge(
            "ruta_gateway_resident_bytes", "Resident memory.", registry=self.registry
        )
        self.circuit_open = Gauge(
            "ruta_gateway_circuit_open",
            "1 while requests to this service are refused at once.",
            ("upstream",),
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class Traces:
    """Creates spans if `recording` (a collector is configured). Otherwise, it only forwards trace ids."""

    def __init__(self, *, recording: bool) -> None:
        self.recording = recording

    @contextmanager
    def span(self, head: Head, method: str) -> Iterator[Span]:
        """Open a span; call this only while recording."""
        carrier = {"traceparent": (head.traceparent or b"").decode()}
        with tracer.start_as_current_span(
            method,
            context=extract(carrier),
            kind=SpanKind.SERVER,
            # The error text may quote personal data.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    @staticmethod
    def finish(span: Span, method: str, route: str, status: int) -> None:
        """Name the span after the route's capability, never after the URL."""
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
