"""One whole stack with demo data for all tests of this folder; its traces are collected."""

from collections.abc import Iterator

import pytest

from tests.support.collector import Collector
from tests.support.system import System


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[System]:
    stack = System(tmp_path_factory.mktemp("system"), RUTA_OTLP_ENDPOINT=collector.url)
    stack.up("--demo")
    yield stack
    stack.down()
