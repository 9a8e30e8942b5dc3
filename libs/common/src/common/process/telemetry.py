"""Traces (OpenTelemetry) and metrics (Prometheus): names, ids and counts, never contents."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from common.process.lazily import lazily

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http import trace_exporter as otlp
else:
    otlp = lazily("opentelemetry.exporter.otlp.proto.http.trace_exporter")

tracer = trace.get_tracer("ruta")
_propagator = TraceContextTextMapPropagator()

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


def configure(service: str, otlp_endpoint: str | None) -> None:
    """Install this process's tracer. Without a collector, spans record nothing, but their ids still appear in logs and
    events."""
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"ruta-{service}"}),
        sampler=None if otlp_endpoint else ALWAYS_OFF,
    )
    if otlp_endpoint:
        exporter = otlp.OTLPSpanExporter(
            endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=5
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def inject(carrier: MutableMapping[str, str]) -> None:
    """Write the current `traceparent` into outgoing headers."""
    _propagator.inject(carrier)


def extract(carrier: MutableMapping[str, str]) -> Context:
    """Return the context of an incoming `traceparent`, or an empty context if there is none."""
    return _propagator.extract(carrier)


@contextmanager
def going_on(name: str, traceparent: str | None, kind: trace.SpanKind) -> Iterator[None]:
    """Continue the trace of `traceparent` with a span `name`. If nothing is recorded, create no span."""
    context = extract({"traceparent": traceparent or ""})
    known = trace.get_current_span(context).get_span_context().is_valid
    if known and getattr(trace.get_tracer_provider(), "sampler", None) is ALWAYS_OFF:
        token = attach(context)
        try:
            yield
        finally:
            detach(token)
        return
    # The error text may quote personal data.
    with tracer.start_as_current_span(
        name, context=context, kind=kind, record_exception=False, set_status_on_exception=False
    ):
        yield


def current_traceparent() -> str | None:
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent")


class Metrics:
    """The Prometheus metrics of one app, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ruta_http_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.durations = Histogram(
            "ruta_http_request_seconds",
            "Time from request to last byte of the answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.outbox_unpublished = Gauge(
            "ruta_outbox_unpublished", "Events written, not yet published.", registry=self.registry
        )
        self.outbox_age = Gauge(
            "ruta_outbox_oldest_seconds",
            "Age of the oldest unpublished event in seconds.",
            registry=self.registry,
        )
        self.stream_bytes = Gauge(
            "ruta_stream_bytes", "Bytes in this service's stream.", registry=self.registry
        )
        self.stream_limit = Gauge(
            "ruta_stream_limit_bytes",
            "Bytes at which this service's stream refuses events; 0 before it was looked at.",
            registry=self.registry,
        )
        self.published = Counter(
            "ruta_events_published", "Events published.", ("subject",), registry=self.registry
        )
        self.handled = Counter(
            "ruta_events_handled",
            "Events handled by outcome (applied, repeated, failed, dead).",
            ("consumer", "outcome"),
            registry=self.registry,
        )
        self.consumer_lag = Gauge(
            "ruta_consumer_pending",
            "Events that this consumer has still to handle.",
            ("consumer",),
            registry=self.registry,
        )
        self.dead_letters = Gauge(
            "ruta_dead_letters",
            "Events set aside that nobody has replayed yet.",
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    @cached_property
    def broker_connected(self) -> Gauge:
        """Return the gauge, which is created at the first attempt to publish. A process that does not publish therefore
        never appears as disconnected."""
        return Gauge("ruta_broker_connected", "1 while NATS is connected.", registry=self.registry)

    @cached_property
    def clock_apart(self) -> Gauge:
        """Return the gauge, which is created at the first readiness check."""
        return Gauge(
            "ruta_clock_apart_seconds",
            "How far this process's clock is ahead of the database's (negative: behind).",
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one response. `route` is a template, so that the label cache stays small."""
        children = self._children.get((method, route, status))
        if children is None:
            children = (
                self.requests.labels(method, route, str(status)),
                self.durations.labels(method, route),
            )
            self._children[(method, route, status)] = children
        children[0].inc()
        children[1].observe(seconds)

    def gauge(self, name: str, description: str) -> Gauge:
        """Return a gauge that only one service has."""
        return Gauge(name, description, registry=self.registry)
