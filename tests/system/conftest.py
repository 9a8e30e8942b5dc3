"""One whole stack with demo data for all tests in this folder, with its traces collected."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.collector import Collector
from tests.support.system import System
from tests.system.gateway_story import GatewayStory, told_through_gateway


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


@pytest.fixture
async def story(system: System) -> AsyncIterator[GatewayStory]:
    async with told_through_gateway(system) as told:
        yield told
