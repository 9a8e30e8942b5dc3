"""One real PostgreSQL and one real NATS for each worker of a test run."""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from common.process import logs
from hypothesis import HealthCheck, settings
from stack.embedded.nats import NatsServer, stored_credentials
from stack.embedded.postgres import PostgresServer

from tests.support.databases import MigratedDatabases, close_engines
from tests.support.principals import write_internal_jwks

pytest_plugins = ["tests.support.selection"]

# Set before numpy is imported, here or in a started process. Its threads wait by spinning, which triples the cost of
# small matrices on busy cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Tests compare programs' output with English, whatever the machine's language.
os.environ["RUTA_LANGUAGE"] = "en"

_EXAMPLES = {"--quick": 10, "--drills": 100}


def pytest_configure(config: pytest.Config) -> None:
    drawn = next((many for option, many in _EXAMPLES.items() if config.getoption(option)), 30)
    # No test judges time, so a busy machine fails no test.
    settings.register_profile(
        "ruta",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        max_examples=drawn,
    )
    settings.load_profile("ruta")


def pytest_collection_finish() -> None:
    """Freeze objects from imports and collection, as the services do (`common.http.server`), because they live as long
    as the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def structured_logs() -> None:
    """Write logs as the processes do, without error messages and local variables."""
    logs.configure("tests")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("postgres"), durable=False)
    server.start()
    yield server
    server.stop(immediate=True)


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    folder = tmp_path_factory.mktemp("nats")
    server = NatsServer(folder, stored_credentials(folder / "credentials.json"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def databases(postgres: PostgresServer) -> AsyncIterator[MigratedDatabases]:
    yield MigratedDatabases(postgres)
    await close_engines()


@pytest.fixture(scope="session")
def internal_jwks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_internal_jwks(tmp_path_factory.mktemp("keys") / "internal-jwks.json")
