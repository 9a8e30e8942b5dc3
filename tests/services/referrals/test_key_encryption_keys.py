"""A ring of key-encryption keys that is lost or another one stops everything that would need it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from common.crypto import new_key
from common.database import Database
from httpx import ASGITransport, AsyncClient
from referrals.app import create_app
from referrals.keys.ring import KeyRing, KeyRingError, add_key, drop_keys
from referrals.keys.store import CaseKeys, create_tables
from referrals.settings import Settings
from stack.postgres import PostgresServer, ServiceDatabase


def ring_text(*key_ids: str) -> str:
    keys = {key_id: base64.b64encode(new_key()).decode() for key_id in key_ids}
    return json.dumps({"active": key_ids[-1], "keys": keys})


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    file = tmp_path / "kek.json"
    file.write_text(ring_text("k1"))
    return file


@pytest.fixture
async def store(postgres: PostgresServer) -> ServiceDatabase:
    database = postgres.create_service_database("kek_store")
    await create_tables(database.owner_url, database.app_role)
    postgres.psql("TRUNCATE case_keys, key_checks", database="kek_store")
    return database


@pytest.fixture
async def database(store: ServiceDatabase) -> AsyncIterator[Database]:
    opened = Database.at(store.app_url, pool_size=2)
    yield opened
    await opened.close()


def put(ring: Path, text: str | None) -> None:
    """What an operator's hand does to the file."""
    if text is None:
        ring.unlink()
    else:
        ring.write_text(text)


def text_of(ring: Path) -> str:
    return ring.read_text()


def fresh(database: Database, ring: Path) -> CaseKeys:
    """As after a restart: it remembers nothing."""
    return CaseKeys(database, ring)


async def test_a_new_installation_takes_the_keys_that_it_finds(
    database: Database, ring: Path
) -> None:
    await fresh(database, ring).verify()
    await fresh(database, ring).verify()


@pytest.mark.parametrize("with_a_case", [True, False])
async def test_another_ring_is_refused_also_before_the_first_case(
    database: Database, ring: Path, with_a_case: bool
) -> None:
    keys = fresh(database, ring)
    await keys.verify()
    if with_a_case:
        await keys.create(uuid4())
    for other in (ring_text("k1"), ring_text("k2"), ring_text("k1", "k2")):
        put(ring, other)
        with pytest.raises(KeyRingError, match=r"kek\.json"):
            await fresh(database, ring).verify()
        with pytest.raises(KeyRingError):
            await keys.create(uuid4())


async def test_a_ring_that_vanishes_is_noticed_while_the_service_runs(
    database: Database, ring: Path
) -> None:
    keys, case = fresh(database, ring), uuid4()
    key = await keys.create(case)
    content = text_of(ring)
    put(ring, None)
    with pytest.raises(KeyRingError, match="not there"):
        await keys.of(case)
    with pytest.raises(KeyRingError):
        await keys.create(uuid4())
    put(ring, content)
    assert await keys.of(case) == key


async def test_a_store_of_an_older_release_is_asked_by_opening_a_key(
    database: Database, ring: Path, postgres: PostgresServer
) -> None:
    await fresh(database, ring).create(uuid4())
    postgres.psql("TRUNCATE key_checks", database="kek_store")
    right = text_of(ring)
    put(ring, ring_text("k1"))
    with pytest.raises(KeyRingError, match="does not open"):
        await fresh(database, ring).verify()
    put(ring, right)
    await fresh(database, ring).verify()


async def test_a_rotation_is_no_loss(database: Database, ring: Path) -> None:
    keys, case = fresh(database, ring), uuid4()
    key = await keys.create(case)
    for _ in range(3):
        active = await asyncio.to_thread(add_key, ring)
        while await keys.rewrap_batch():
            pass
        assert await asyncio.to_thread(drop_keys, ring, {active})
        assert await fresh(database, ring).of(case) == key
    assert set(KeyRing.load(ring).keys) == {"k4"}


async def test_a_key_that_is_still_in_use_may_not_leave_the_ring(
    database: Database, ring: Path
) -> None:
    await fresh(database, ring).create(uuid4())
    await asyncio.to_thread(add_key, ring)
    await fresh(database, ring).verify()
    await asyncio.to_thread(drop_keys, ring, set())
    with pytest.raises(KeyRingError, match="key-encryption-key/k1"):
        await fresh(database, ring).verify()


async def test_readiness_names_the_file_and_a_command_gets_503(
    settings: Settings, database: Database, ring: Path
) -> None:
    keys = fresh(database, ring)
    await keys.verify()
    app = create_app(settings, keys=keys)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://ruta") as client:
        assert "keys" not in (await client.get("/readyz")).json()["parts"]
        put(ring, ring_text("k1"))
        told = await client.get("/readyz")
    await app.state.context.database.close()
    assert told.status_code == 503
    assert told.json()["parts"]["keys"] == "wrong"
    assert str(ring) in told.json()["parts"]["remedy"]
