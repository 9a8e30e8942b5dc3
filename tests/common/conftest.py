"""The sample service on its own database, whose tables are created without migrations."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import nats.js.errors
import pytest
from common.db.session import Database
from common.messaging.broker_streams import arrange
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine
from stack.embedded.nats import NatsServer
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.common import sample
from tests.support.databases import common_settings
from tests.support.principals import bearer


@pytest.fixture(scope="session")
async def sample_database(postgres: PostgresServer) -> ServiceDatabase:
    made = postgres.create_service_database("sample")
    engine = create_async_engine(made.owner_url)
    async with engine.begin() as connection:
        await connection.run_sync(sample.metadata.create_all)
    await engine.dispose()
    postgres.psql(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {made.app_role}",
        database="sample",
    )
    return made


@pytest.fixture
def settings(
    sample_database: ServiceDatabase, internal_jwks: Path, nats_server: NatsServer
) -> sample.Settings:
    values: dict[str, Any] = common_settings(sample_database, internal_jwks, nats_server.url)
    values["nats_password"] = SecretStr(nats_server.credentials["directory"])
    return sample.Settings(**values)


@pytest.fixture
async def database(settings: sample.Settings, postgres: PostgresServer) -> AsyncIterator[Database]:
    """Yield a real database with real commits. Its tables are emptied afterwards."""
    opened = Database.at(settings.database_url.get_secret_value())
    yield opened
    await opened.close()
    names = ", ".join(sample.metadata.tables)
    postgres.psql(f"TRUNCATE {names}", database="sample")


@pytest.fixture
async def api(settings: sample.Settings, database: Database) -> AsyncIterator[AsyncClient]:
    app = sample.create_app(settings, database)
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False),
        base_url="http://sample",
        headers=bearer("ngo-refugio", audience="ruta-directory"),
    ) as client:
        yield client


@pytest.fixture
async def clean_stream(nats_server: NatsServer) -> AsyncIterator[Any]:
    """Yield the operator's JetStream. The stream and its reader are recreated before and after the test."""
    client = await nats.connect(
        nats_server.url, user="operator", password=nats_server.credentials["operator"]
    )
    jetstream = client.jetstream()

    async def wipe() -> None:
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await jetstream.delete_stream("RUTA_DIRECTORY")
        await arrange(jetstream, replicas=1, max_bytes=2**30)

    await wipe()
    yield jetstream
    await wipe()
    await client.close()
