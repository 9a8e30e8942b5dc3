"""One whole stack with demo data, and one Chromium, for all tests of the pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.axe import axe_source
from tests.support.collector import Collector
from tests.support.people_at_browsers import chromium
from tests.support.system import System


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[System]:
    # Whoever signed in for another test half an hour ago may act: how fast this machine is decides nothing.
    stack = System(
        tmp_path_factory.mktemp("pages"),
        RUTA_OTLP_ENDPOINT=collector.url,
        RUTA_STEP_UP_MINUTES="60",
    )
    stack.up("--demo")
    yield stack
    stack.down()


@pytest.fixture(scope="package")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_source(tmp_path_factory.mktemp("axe"))


# Of a module: as long as Playwright runs no other event loop can in this thread.
@pytest.fixture(scope="module")
def browsers(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The whole one where a module says that it is about the browser, too: what it keeps, and does by itself."""
    with chromium(whole=getattr(request.module, "WHOLE_BROWSER", False)) as browser:
        yield browser
