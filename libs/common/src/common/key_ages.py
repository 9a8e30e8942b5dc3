"""The age of a process's keys as a metric, because somebody must rotate old keys."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class KeyAges(Collector):
    """`ruta_key_age_seconds{key}`: the time since each key file was written, updated on each scrape."""

    def __init__(self, files: Callable[[], dict[str, Path]]) -> None:
        self._files = files

    def collect(self) -> list[Metric]:
        ages = GaugeMetricFamily(
            "ruta_key_age_seconds", "Age of a key file in seconds.", labels=["key"]
        )
        for name, file in self._files().items():
            with contextlib.suppress(OSError):  # it is being replaced
                ages.add_metric([name], time.time() - file.stat().st_mtime)
        return [ages]


def tell_key_ages(registry: CollectorRegistry, files: Callable[[], dict[str, Path]]) -> None:
    registry.register(KeyAges(files))
