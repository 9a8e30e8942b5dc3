"""`python -m common.messaging.broker_exporter MONITOR PORT` exports a NATS server's metrics to Prometheus.

It runs next to each server of a cluster, from our own image, because the server publishes its metrics only as JSON.
While the server does not respond, the scrape fails and Prometheus shows the server as down.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common.process.certificates import seconds_left

_SECONDS = 5
Pages = dict[str, dict[str, Any]]


class BrokerCollector(Collector):
    def __init__(self, monitor: str) -> None:
        self._address = urlsplit(monitor).netloc

    def collect(self) -> Iterator[GaugeMetricFamily]:
        said = {page: self._page(page) for page in ("varz", "routez", "jsz?config=true")}
        for name, help_, value in _measured(said):
            yield GaugeMetricFamily(f"ruta_broker_{name}", help_, value=float(value))
        # Use the expiry of the certificate in use. The server reads the certificate file only at startup.
        if (ends := said["varz"].get("tls_cert_not_after")) is not None:
            left = seconds_left()
            left.add_metric(["own"], datetime.fromisoformat(ends).timestamp() - time.time())
            yield left

    def _page(self, page: str) -> dict[str, Any]:
        connection = HTTPConnection(self._address, timeout=_SECONDS)
        try:
            connection.request("GET", f"/{page}")
            said: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return said


def _measured(said: Pages) -> Iterator[tuple[str, str, float]]:
    server, store = said["varz"], said["jsz?config=true"]
    peers = {route["remote_name"] for route in said["routez"].get("routes") or []}
    yield "peers", "Other servers of the cluster that this one has a route to.", len(peers)
    yield "connections", "Clients that are connected to this server.", server["connections"]
    yield (
        "slow_consumers",
        "Clients that were cut off since they read too slowly.",
        server["slow_consumers"],
    )
    yield "memory_bytes", "Memory that this server uses.", server["mem"]
    yield "store_bytes", "What the streams of this server take on its disk.", store["storage"]
    yield "store_limit_bytes", "What they may take.", store["config"]["max_storage"]
    yield "messages", "Events in the streams of this server.", store["messages"]


def main() -> None:
    monitor, port = sys.argv[1:]
    registry = CollectorRegistry()
    registry.register(BrokerCollector(monitor))
    _, thread = start_http_server(int(port), registry=registry)
    thread.join()


if __name__ == "__main__":
    main()
