"""Databases of the services, migrated once per test run and rolled back after each test."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from common.crypto import new_key
from common.db.migrations import migrate
from common.db.session import Database
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from stack.embedded.postgres import PostgresServer, ServiceDatabase


def random_key() -> str:
    return base64.b64encode(new_key()).decode()


def key_of(name: str) -> str:
    """Return a fixed key, so that runs can share stored data."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


@dataclass(frozen=True)
class MigratedDatabases:
    """Creates and migrates databases on the run's server, each once per name."""

    server: PostgresServer

    async def of(self, package: str, name: str) -> ServiceDatabase:
        """Return the database `name`, migrated by the revisions of `package`."""
        database = self.server.create_service_database(name)
        await migrate(package, database.owner_url, database.app_role)
        return database


_kept: dict[tuple[asyncio.AbstractEventLoop, str], AsyncEngine] = {}
"""By loop and URL, from one test to the next: what was compiled, prepared and planned for one serves all."""


async def close_engines() -> None:
    """Close the engines that `rolled_back` opened in this event loop."""
    here = asyncio.get_running_loop()
    for loop, url in list(_kept):
        if loop is here:
            await _kept.pop((loop, url)).dispose()


@asynccontextmanager
async def undone(database: ServiceDatabase) -> AsyncIterator[AsyncConnection]:
    """Yield a connection as the run-time role; a rollback undoes everything that the test did.

    A test with its own event loop must call `close_engines` at its end.
    """
    place = (asyncio.get_running_loop(), database.app_url)
    if place not in _kept:
        _kept[place] = create_async_engine(database.app_url)
    async with _kept[place].connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()


@asynccontextmanager
async def rolled_back(database: ServiceDatabase) -> AsyncIterator[Database]:
    async with undone(database) as connection:
        yield Database.bound_to(connection)


def common_settings(database: ServiceDatabase, jwks: Path, nats_url: str) -> dict[str, object]:
    """Return the arguments that every service's Settings class requires."""
    return {
        "environment": "embedded",
        "database_url": SecretStr(database.app_url),
        "database_owner_url": SecretStr(database.owner_url),
        "database_role": database.app_role,
        "nats_url": nats_url,
        "nats_password": SecretStr("no-broker-in-this-test"),
        "internal_jwks_file": jwks,
        "stored_result_key": SecretStr(random_key()),
    }
