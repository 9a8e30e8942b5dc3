"""One whole stack with demo data and one Chromium, shared by all page tests."""

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
    # A sign-in from half an hour ago still counts as fresh, so that the machine's speed does not matter.
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


# Module scope, because this thread can run no other event loop while Playwright runs.
@pytest.fixture(scope="module")
def browsers(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Yield a browser. A module that tests the browser itself gets a whole one, with storage and background
    features."""
    with chromium(whole=getattr(request.module, "WHOLE_BROWSER", False)) as browser:
        yield browser
