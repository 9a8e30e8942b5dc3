"""No writer waits for a long dry run. The tests use real commits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.files.imports.publishers.vanished import Choice
from directory.files.imports.schemas import ImportOut, ImportState
from directory.files.imports.service import BATCH, JUDGED, take_in
from directory.files.imports.worker import work_one
from directory.files.imports.writer import Judge, Writer

from tests.services.directory.imports.test_package import PLAIN, package
from tests.services.directory.imports.test_taking_in import (
    HEADER,
    large,
    order,
    read_again,
    taken_in,
)
from tests.support.databases import MigratedDatabases
from tests.support.principals import principal

MANY, FEW = 2 * JUDGED + 10, 20
PART = Choice(most=1)
"""What a writer beside brings is part of the file."""
WHO = principal("im-officer")
_LOCKS = sa.text(
    "SELECT l.locktype, l.mode, l.relation::regclass::text FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE a.datname = current_database() AND a.backend_type = 'client backend'"
    " AND pid <> pg_backend_pid() AND l.mode <> 'AccessShareLock'"
    " AND l.locktype NOT IN ('virtualxid', 'advisory')"
)
"""Of others, but for what every SELECT takes, which only a change of the schema waits for, and the lock
by which workers share the queue."""


@pytest.fixture
async def database(databases: MigratedDatabases) -> AsyncIterator[Database]:
    made = await databases.of("directory", "directory_dry_races")
    opened = Database.at(made.app_url)
    yield opened
    await opened.close()


def a_table(_folder: Path, rows: int, word: str) -> bytes:
    lines = (f"{n},Org {n % 9},{word} {n},GP-INFO,public,VE2313\n" for n in range(rows))
    return (HEADER + "".join(lines)).encode()


def a_package(folder: Path, rows: int, word: str) -> bytes:
    (organisation,), (place,) = PLAIN["organizations.csv"], PLAIN["locations.csv"]
    tables = {
        "organizations.csv": [{**organisation, "description": word}],
        "locations.csv": [{**place, "description": word}],
        "services.csv": [{"id": f"s{n}", "organization_id": organisation["id"], "name": f"{word} {n}", "status": "active"} for n in range(rows)],
        "service_at_location.csv": [{"id": f"s{n}@", "service_id": f"s{n}", "location_id": place["id"]} for n in range(rows)],
    }  # fmt: skip
    return package(folder, tables).read_bytes()


Content = Callable[[Path, int, str], bytes]
Beside = Callable[[], Awaitable[None]]


async def worked_through(
    database: Database, content: bytes, source: str, *, dry_run: bool = False
) -> ImportOut:
    queued = await taken_in(
        database, WHO, content, source=source, visibility="public", dry_run=dry_run
    )
    assert queued.state is ImportState.QUEUED
    assert await work_one(database)
    return await read_again(database, WHO, queued.id)


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, kind: type[Judge] | type[Writer], beside: Beside
) -> None:
    """Run `beside` after each batch, while the long import pauses inside its transaction."""
    plain: Any = kind.write

    async def write(self: Any, *given: Any) -> None:
        await plain(self, *given)
        with monkeypatch.context() as alone:
            alone.setattr(kind, "write", plain)
            await beside()

    monkeypatch.setattr(kind, "write", write)


async def write_beside(database: Database, content: bytes, source: str) -> int:
    """Write an entry, but fail instead of waiting for a lock."""
    async with database.transaction(WHO) as session:
        await session.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        import_id = await take_in(
            session, WHO, order(content, source=source, visibility="public", choice=PART)
        )
    done = await read_again(database, WHO, import_id)
    assert done.state is ImportState.FINISHED
    return done.services.updated


@pytest.mark.slow
@pytest.mark.parametrize("made", [a_table, a_package])
async def test_no_writer_waits_for_a_long_dry_run(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Content
) -> None:
    await worked_through(database, made(tmp_path, MANY, "Antes"), made.__name__)
    words = (f"Entretanto {n}" for n in count())
    changed: list[int] = []
    locks: list[Any] = []

    async def beside() -> None:
        async with database.transaction() as looking:
            locks.extend((await looking.execute(_LOCKS)).all())
        changed.append(
            await write_beside(database, made(tmp_path, FEW, next(words)), made.__name__)
        )

    meanwhile(monkeypatch, Judge, beside)
    dry = await worked_through(
        database, made(tmp_path, MANY, "Después"), made.__name__, dry_run=True
    )
    assert dry.state is ImportState.FINISHED
    assert dry.services.updated == MANY
    assert not locks
    assert len(changed) >= MANY // JUDGED
    assert set(changed) == {FEW}


@pytest.mark.slow
@pytest.mark.parametrize("made", [a_table, a_package])
async def test_for_the_import_itself_the_same_writer_has_to_wait(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Content
) -> None:
    await worked_through(database, made(tmp_path, MANY, "Antes"), made.__name__)
    waited: list[str] = []

    async def beside() -> None:
        with pytest.raises(sa.exc.DBAPIError) as refused:
            await write_beside(database, made(tmp_path, FEW, "Entretanto"), made.__name__)
        waited.append(str(refused.value.orig))

    meanwhile(monkeypatch, Writer, beside)
    done = await worked_through(database, made(tmp_path, MANY, "Después"), made.__name__)
    assert done.services.updated == MANY
    assert len(waited) >= MANY // BATCH
    assert all("lock timeout" in each for each in waited)


async def test_an_import_waits_for_no_dry_run_and_a_small_file_for_no_large_one(
    database: Database,
) -> None:
    who = WHO
    large_dry = await taken_in(database, who, large(120, 9_000), dry_run=True)
    small_dry = await taken_in(database, who, large(110, 1), dry_run=True)
    real = await taken_in(database, who, large(115, 1))
    assert [each.ahead for each in (large_dry, small_dry, real)] == [0, 0, 0]

    async def states() -> list[ImportState]:
        each = [await read_again(database, who, one.id) for one in (large_dry, small_dry, real)]
        return [one.state for one in each]

    queued, finished = ImportState.QUEUED, ImportState.FINISHED
    assert await work_one(database, dry=False)
    assert not await work_one(database, dry=False)
    assert await states() == [queued, queued, finished]
    assert await work_one(database, dry=True)
    assert await states() == [queued, finished, finished]


async def test_a_small_dry_run_ends_while_a_large_one_runs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = await taken_in(database, WHO, large(120, 9_000), dry_run=True)
    seen: list[ImportState] = []

    async def beside() -> None:
        short = await taken_in(database, WHO, large(110, 1), dry_run=True)
        assert (short.state, short.ahead) == (ImportState.QUEUED, 0)
        assert await work_one(database, dry=True, small=True)
        each = [await read_again(database, WHO, one.id) for one in (long, short)]
        seen.extend(one.state for one in each)

    meanwhile(monkeypatch, Judge, beside)
    assert not await work_one(database, dry=True, small=True)
    assert await work_one(database, dry=True)
    assert [state is ImportState.FINISHED for state in seen[:2]] == [False, True]


@pytest.mark.parametrize("made", [a_table, a_package])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_progress_is_a_count_of_all_rows_and_a_time(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: Content,
    dry_run: bool,
) -> None:
    seen: list[ImportOut] = []
    queued = await taken_in(
        database,
        WHO,
        made(tmp_path, 2 * BATCH + 10, "Progreso"),
        source=f"progress-{made.__name__}-{dry_run}",
        visibility="public",
        dry_run=dry_run,
    )

    async def beside() -> None:
        seen.append(await read_again(database, WHO, queued.id))

    meanwhile(monkeypatch, Judge if dry_run else Writer, beside)
    assert await work_one(database)
    running = [each for each in seen if each.state is ImportState.RUNNING]
    assert [each.expected for each in running] == [210, 210]
    assert 90 < running[0].rows.read <= 100 < running[1].rows.read <= 200
    assert all(each.seconds_left is not None for each in running)
    done = await read_again(database, WHO, queued.id)
    assert (done.state, done.expected, done.seconds_left) == (ImportState.FINISHED, None, None)
