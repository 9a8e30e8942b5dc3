"""The reporting service on a real database, where each test is rolled back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from common.crypto import key_from_base64
from common.db.session import Database
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from reporting.app import create_app
from reporting.recording.service import Recorder
from reporting.settings import Settings
from stack.embedded.postgres import ServiceDatabase

from tests.support.apps import with_built_routes
from tests.support.databases import MigratedDatabases, common_settings, random_key, rolled_back

AUDIENCE = "ruta-reporting"


@pytest.fixture(scope="session")
async def reporting_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("reporting", "reporting")


@pytest.fixture(scope="session")
def settings(reporting_database: ServiceDatabase, internal_jwks: Path) -> Settings:
    values: dict[str, Any] = common_settings(
        reporting_database, internal_jwks, "nats://127.0.0.1:1"
    )
    keys: dict[str, Any] = {
        name: SecretStr(random_key()) for name in ("rounding_key", "pseudonym_key")
    }
    return Settings(**values, **keys)


@pytest.fixture
async def database(reporting_database: ServiceDatabase) -> AsyncIterator[Database]:
    async with rolled_back(reporting_database) as database:
        yield database


@pytest.fixture
async def api(database: Database, settings: Settings) -> AsyncIterator[AsyncClient]:
    app = with_built_routes(create_app(settings, database=database))
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://reporting") as client:
        yield client


@pytest.fixture
def recorder(settings: Settings) -> Recorder:
    return Recorder(key_from_base64(settings.pseudonym_key.get_secret_value()))
