"""The directory with its pathway routes over a real database that is rolled back per test."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from common.database import Database
from common.web import service_app
from httpx import ASGITransport, AsyncClient
from services_directory.gaps import api as gaps_api
from services_directory.pathways import api, endorsements_api, resolve_api
from services_directory.posters import api as posters_api
from services_directory.settings import Settings
from services_directory.tables import COMMON
from stack.postgres import ServiceDatabase

from tests.services.directory.pathways.scenario import load
from tests.support.databases import MigratedDatabases, common_settings, rolled_back
from tests.support.principals import bearer

AUDIENCE = "ruta-directory"


@pytest.fixture(scope="session")
async def migrated(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("services_directory", "directory")


@pytest.fixture
async def database(migrated: ServiceDatabase) -> AsyncIterator[Database]:
    async with rolled_back(migrated) as found:
        yield found


@pytest.fixture
async def pathways_client(
    migrated: ServiceDatabase, database: Database, internal_jwks: Path
) -> AsyncIterator[AsyncClient]:
    app = service_app(
        Settings(**common_settings(migrated, internal_jwks, "nats://127.0.0.1:1")),
        title="directory",
        description="",
        tables=COMMON,
        routers=[
            resolve_api.routes,
            api.routes,
            endorsements_api.routes,
            gaps_api.routes,
            posters_api.routes,
        ],
        database=database,
    )
    async with AsyncClient(transport=ASGITransport(app), base_url="http://directory") as client:
        yield client


@pytest.fixture
async def scenario(database: Database) -> dict[str, UUID]:
    """The fictional services of scenario.py; ids by name."""
    async with database.transaction() as session:
        return await load(session)


def as_caller(client: str, **changes: Any) -> dict[str, str]:
    """Headers of a call by a demo client, or by nobody ("anonymous")."""
    return bearer(client, audience=AUDIENCE, **changes)
