"""A directory of its own for each test."""

from collections.abc import AsyncIterator

import pytest
from common.db.session import Database
from stack.embedded.postgres import ServiceDatabase

from tests.support.databases import MigratedDatabases, rolled_back


@pytest.fixture(scope="session")
async def directory_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("directory", "directory")


@pytest.fixture
async def database(directory_database: ServiceDatabase) -> AsyncIterator[Database]:
    async with rolled_back(directory_database) as opened:
        yield opened
