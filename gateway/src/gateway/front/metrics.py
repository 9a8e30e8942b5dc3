"""The front's Prometheus instruments: by capability and status, never by client or person."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, float("inf"))


class _Answered(Collector):
    """Counts what is answered: the library's own counters, with their locks and checks, take four times as long."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._counts[method, route, status] += 1
        key = (method, route)
        buckets = self._buckets.get(key)
        if buckets is None:
            buckets = self._buckets[key] = [0] * len(_BUCKETS)
            self._seconds[key] = 0.0
        buckets[bisect_left(_BUCKETS, seconds)] += 1
        self._seconds[key] += seconds

    def describe(self) -> Iterable[Metric]:
        return _Answered().collect()

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "ruta_http_requests", "Answered requests.", labels=("method", "route", "status")
        )
        for (method, route, status), number in self._counts.items():
            requests.add_metric((method, route, str(status)), number)
        yield requests
        durations = HistogramMetricFamily(
            "ruta_http_request_seconds",
            "Time from request to last byte of the answer.",
            labels=("method", "route"),
        )
        for key, buckets in self._buckets.items():
            ends = map(floatToGoString, _BUCKETS)
            durations.add_metric(
                key, list(zip(ends, accumulate(buckets), strict=True)), self._seconds[key]
            )
        yield durations


class FrontMetrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        answered = _Answered()
        self.registry.register(answered)
        self.observe = answered.observe
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

    def text(self) -> bytes:
        return generate_latest(self.registry)
