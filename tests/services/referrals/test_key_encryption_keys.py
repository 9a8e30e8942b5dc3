"""A lost or foreign ring of key-encryption keys stops everything that needs it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from common.crypto import CannotOpen, new_key
from common.db.key_checks import KeysAway
from common.db.session import Database
from common.ids import new_id
from httpx import ASGITransport, AsyncClient
from referrals import operations
from referrals.app import create_app
from referrals.ground.keys import ring as rings
from referrals.ground.keys.ring import KeyRing, KeyRingError
from referrals.ground.keys.store import CaseKeys, create_tables
from referrals.settings import Settings
from stack.embedded.ports import free_port
from stack.embedded.postgres import PostgresServer, ServiceDatabase


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
    """Replace the file as an operator would."""
    if text is None:
        ring.unlink()
    else:
        ring.write_text(text)


def text_of(ring: Path) -> str:
    return ring.read_text()


def fresh(database: Database, ring: Path) -> CaseKeys:
    """Return the case keys with an empty cache, as after a restart."""
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
    with pytest.raises(KeyRingError, match="are missing"):
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


async def test_both_keys_are_readable_through_every_step_of_a_rotation(
    database: Database, ring: Path
) -> None:
    """Two processes run, and the second sees each new file one step later, as with a mounted Secret."""
    late = ring.with_name("late.json")
    put(late, text_of(ring))
    ahead, behind = fresh(database, ring), fresh(database, late)
    cases = {}

    async def all_open() -> None:
        for keys in (ahead, behind):
            case = uuid4()
            cases[case] = await keys.create(case)
            for known, key in cases.items():
                assert await ahead.of(known) == key
                assert await behind.of(known) == key

    for step in ("add", "activate", "rewrap", "drop"):
        present = KeyRing.load(ring)
        if step == "rewrap":
            while await ahead.rewrap_batch():
                pass
        elif step == "add":
            rings.write(ring, rings.with_new_key(present))
        elif step == "activate":
            rings.write(ring, rings.with_newest_active(present))
        else:
            rings.write(ring, rings.without_unused(present, await ahead.used_key_ids()))
        await all_open()
        put(late, text_of(ring))
        await all_open()
    assert KeyRing.load(ring).active == "k2"


async def test_a_key_that_another_process_wraps_by_already_is_503_not_500(
    database: Database, ring: Path
) -> None:
    """An operator activated a key before every process had it. Reads fail with a clear error, and work later."""
    late = ring.with_name("late.json")
    put(late, text_of(ring))
    ahead, behind = fresh(database, ring), fresh(database, late)
    await behind.verify()
    rings.write(ring, rings.with_newest_active(rings.with_new_key(KeyRing.load(ring))))
    # To check the new ring, the process needs one known key, and it finds k1.
    case = uuid4()
    key = await ahead.create(case)
    with pytest.raises(KeyRingError, match="k2"):
        await behind.of(case)
    put(late, text_of(ring))
    assert await behind.of(case) == key


async def test_a_key_that_is_still_in_use_may_not_leave_the_ring(
    database: Database, ring: Path
) -> None:
    await fresh(database, ring).create(uuid4())
    added = rings.with_new_key(KeyRing.load(ring))
    assert set(rings.without_unused(added, {"k1"}).keys) == {"k1", "k2"}
    put(ring, rings.as_text(added))
    await fresh(database, ring).verify()
    put(ring, rings.as_text(KeyRing("k2", {"k2": added.keys["k2"]})))
    with pytest.raises(KeyRingError, match="key-encryption-key/k1"):
        await fresh(database, ring).verify()


async def test_a_rotation_in_steps_writes_no_file(
    settings: Settings, database: Database, ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator puts the commands' output into the Secret; the commands only read the mounted file."""
    keys, case = fresh(database, ring), uuid4()
    key = await keys.create(case)
    mounted = settings.model_copy(update={"key_encryption_keys_file": ring})

    async def step(command: Any) -> tuple[int, str]:
        before = text_of(ring)
        code = await command(mounted, database, fresh(database, ring))
        assert text_of(ring) == before
        return code, capsys.readouterr().out

    code, added = await step(operations.add_to_key_ring)
    assert code == 0
    assert json.loads(added)["active"] == "k1"
    put(ring, added)
    code, printed = await step(operations.activate_newest_key)
    assert (code, printed) == (1, ""), "nobody has read the new key yet"
    await keys.verify()
    code, activated = await step(operations.activate_newest_key)
    assert code == 0
    put(ring, activated)
    assert (await step(operations.rewrap_keys))[0] == 0
    code, dropped = await step(operations.drop_from_key_ring)
    assert list(json.loads(dropped)["keys"]) == ["k2"]
    put(ring, dropped)
    assert await keys.of(case) == key


async def test_a_rotation_where_the_file_cannot_be_written_says_how_and_changes_nothing(
    settings: Settings, database: Database, ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Tests may run as root, which can write into read-only folders, so a folder blocks the new file.
    await asyncio.to_thread(ring.with_suffix(".new").mkdir)
    before = text_of(ring)
    mounted = settings.model_copy(update={"key_encryption_keys_file": ring})
    assert await operations.rotate_keys(mounted, database, fresh(database, ring)) == 1
    assert "key-ring-add" in capsys.readouterr().out
    assert text_of(ring) == before


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


async def test_a_key_store_that_does_not_answer_is_named(ring: Path) -> None:
    away = f"postgresql+asyncpg://nobody:nothing@127.0.0.1:{free_port()}/kek_store"
    keys = CaseKeys(Database.at(away, pool_size=1), ring)
    with pytest.raises(KeysAway, match="RUTA_KEY_STORE_URL"):
        await keys.verify()
    await keys.close()


async def test_a_key_store_that_goes_away_later_is_named_too(
    ring: Path, database: Database, postgres: PostgresServer
) -> None:
    """The ring was read earlier, so only the store itself shows that it is unavailable."""
    keys = CaseKeys(database, ring)
    await keys.verify()
    postgres.psql("ALTER DATABASE kek_store ALLOW_CONNECTIONS false")
    try:
        postgres.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'kek_store'"
        )
        with pytest.raises(KeysAway, match="RUTA_KEY_STORE_URL"):
            await keys.verify()
    finally:
        postgres.psql("ALTER DATABASE kek_store ALLOW_CONNECTIONS true")
    await keys.verify()


def test_a_wrapped_key_opens_for_its_own_case_only() -> None:
    ring, case_id, key = KeyRing("k1", {"k1": new_key()}), new_id(), new_key()
    wrapped = ring.wrap(case_id, key)
    assert ring.unwrap(case_id, "k1", wrapped) == key
    with pytest.raises(CannotOpen):
        ring.unwrap(new_id(), "k1", wrapped)
