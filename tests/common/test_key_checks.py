"""A service stops if its keys differ from those that encrypted its database. A new key is recorded."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from common import crypto
from common.db import key_checks
from common.db.key_checks import NotMigrated, WrongKeys
from common.db.session import Database
from common.http.key_gate import key_gate_of
from common.http.server import refuse_wrong_keys
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from reporting.app import create_app
from reporting.settings import Settings
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.support.databases import MigratedDatabases, common_settings, random_key

NO_BROKER = "nats://127.0.0.1:1"


@pytest.fixture
async def made(databases: MigratedDatabases, postgres: PostgresServer) -> ServiceDatabase:
    database = await databases.of("reporting", "key_checks")
    postgres.psql("DELETE FROM key_checks", database="key_checks")
    return database


@pytest.fixture
async def database(made: ServiceDatabase) -> AsyncIterator[Database]:
    opened = Database.at(made.app_url)
    yield opened
    await opened.close()


@pytest.fixture
def settings(made: ServiceDatabase, internal_jwks: object) -> Settings:
    values = common_settings(made, internal_jwks, NO_BROKER)  # type: ignore[arg-type]
    values |= {name: SecretStr(random_key()) for name in ("rounding_key", "pseudonym_key")}
    return Settings(**values)  # type: ignore[arg-type]


async def test_a_new_installation_records_its_keys_and_holds_to_them(database: Database) -> None:
    key = random_key()
    await key_checks.verify(database, {"RUTA_A_KEY": key})
    await key_checks.verify(database, {"RUTA_A_KEY": key.replace("+", "-").replace("/", "_")})
    with pytest.raises(WrongKeys, match="RUTA_A_KEY"):
        await key_checks.verify(database, {"RUTA_A_KEY": random_key()})
    await key_checks.verify(database, {"RUTA_A_KEY": key, "RUTA_OF_THE_NEXT_RELEASE_KEY": key})


async def test_of_two_replicas_with_different_keys_only_one_starts(database: Database) -> None:
    await key_checks.record(database, {"RUTA_A_KEY": crypto.check_value("RUTA_A_KEY", "one")})
    with pytest.raises(WrongKeys):
        await key_checks.verify(database, {"RUTA_A_KEY": "another"})


async def test_the_service_itself_cannot_change_what_is_recorded(database: Database) -> None:
    await key_checks.verify(database, {"RUTA_A_KEY": random_key()})
    for statement in ("UPDATE key_checks SET value = ''", "DELETE FROM key_checks"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.once(statement)


async def test_what_is_recorded_tells_nothing_about_the_key() -> None:
    key = random_key()
    one, other = (crypto.check_value(name, key) for name in ("RUTA_A_KEY", "RUTA_B_KEY"))
    assert one != other
    assert key not in one


async def test_a_database_without_the_table_waits_for_its_migration(
    postgres: PostgresServer,
) -> None:
    empty = Database.at(postgres.create_service_database("key_checks_empty").app_url)
    with pytest.raises(NotMigrated):
        await key_checks.verify(empty, {"RUTA_A_KEY": random_key()})
    await empty.close()


@pytest.mark.parametrize("name", ["rounding_key", "pseudonym_key", "stored_result_key"])
def test_a_service_with_another_key_does_not_start(
    settings: Settings, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_wrong_keys(create_app(settings))
    other = settings.model_copy(update={name: SecretStr(random_key())})
    with pytest.raises(SystemExit) as ended:
        refuse_wrong_keys(create_app(other))
    assert ended.value.code == 78
    said = capsys.readouterr().err
    assert f"RUTA_{name.upper()}" in said
    assert said.count("\n") == 1


async def test_nothing_is_served_before_the_keys_were_compared(
    settings: Settings, made: ServiceDatabase, postgres: PostgresServer
) -> None:
    """A process that starts before its database checks the keys again once the database responds."""
    app = create_app(settings)
    postgres.psql("ALTER TABLE key_checks RENAME TO not_yet", database=made.name)
    try:
        async with (
            key_gate_of(app).watched(),
            AsyncClient(transport=ASGITransport(app), base_url="http://ruta") as client,
        ):
            shut = await client.get("/reports/v1/releases")
            assert shut.status_code == 503
            assert shut.headers["Retry-After"]
            ready = await client.get("/readyz")
            said = ready.json()
            assert (ready.status_code, said["status"], said["parts"]["keys"]) == (
                503,
                "unavailable",
                "not compared yet",
            )
            assert (await client.get("/healthz")).status_code == 200
            postgres.psql("ALTER TABLE not_yet RENAME TO key_checks", database=made.name)
            while (await client.get("/reports/v1/releases")).status_code == 503:  # noqa: ASYNC110 - what it waits for is the gate's own look
                await asyncio.sleep(0.05)
            assert "keys" not in (await client.get("/readyz")).json()["parts"]
            assert await key_checks.recorded(app.state.context.database)
    finally:
        await app.state.context.database.close()
