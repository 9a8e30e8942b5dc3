"""The front's Prometheus instruments: by capability and status, never by client or person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase

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
        self._durations = Histogram(
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
        self._children: dict[tuple[str, ...], MetricWrapperBase] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        # Looking children up by labels costs more than counting: remember them.
        count = self._children.get((method, route, str(status)))
        if count is None:
            count = self._requests.labels(method, route, str(status))
            self._children[(method, route, str(status))] = count
        duration = self._children.get((method, route))
        if duration is None:
            duration = self._durations.labels(method, route)
            self._children[(method, route)] = duration
        count.inc()  # type: ignore[attr-defined]  # the base class does not know its kinds
        duration.observe(seconds)  # type: ignore[attr-defined]  # as above

    def text(self) -> bytes:
        return generate_latest(self.registry)
