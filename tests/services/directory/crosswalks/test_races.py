"""An import and a decision about its publisher happen at the same moment, with real commits."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import count

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.files.crosswalks import queries, service
from directory.files.imports.schemas import Mode
from directory.files.imports.service import take_in

from tests.services.directory.crosswalks.test_crosswalks import SOURCE, WHO, bring
from tests.services.directory.crosswalks.test_words import categories, sheet
from tests.services.directory.imports.test_taking_in import order
from tests.support.databases import MigratedDatabases
from tests.support.patience import PATIENCE

SPACE = f"{WHO.organisation}:{SOURCE}"
_NUMBERS = count()
FIRST, SECOND = sheet({"uno": "Taller de ópera"}), sheet({"dos": "Taller de ópera"})


@pytest.fixture
async def database(databases: MigratedDatabases) -> AsyncIterator[Database]:
    made = await databases.of("directory", f"directory_crosswalks_{next(_NUMBERS)}")
    opened = Database.at(made.app_url)
    yield opened
    await opened.close()


async def decide(database: Database, codes: list[str]) -> None:
    async with database.transaction(WHO) as session:
        (term,) = await queries.terms_of(session, WHO, SPACE)
        await service.decide(session, WHO, [service.Decision(term.id, codes)])


async def until_waiting(database: Database, other: asyncio.Task[None]) -> None:
    """Wait until the other transaction waits for a lock or has ended."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + PATIENCE
    while not other.done():
        async with database.transaction() as session:
            if await session.scalar(waiting):
                return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_decision_waits_for_the_end_of_an_import_and_finds_what_it_brought(
    database: Database,
) -> None:
    await bring(database, FIRST)
    second = order(SECOND, source=SOURCE, mode=Mode.ALL)
    async with database.transaction(WHO) as importing:
        await take_in(importing, WHO, second)
        deciding = asyncio.create_task(decide(database, ["GBV-LEGAL"]))
        await until_waiting(database, deciding)
    await deciding
    assert await categories(database) == {"dos": ["GBV-LEGAL"], "uno": ["GBV-LEGAL"]}


async def test_an_import_follows_at_its_end_what_was_on_its_way_before_it_began(
    database: Database,
) -> None:
    await bring(database, FIRST)
    second = order(SECOND, source=SOURCE, mode=Mode.ALL)

    async def imported() -> None:
        async with database.transaction(WHO) as session:
            await take_in(session, WHO, second)

    async with database.transaction(WHO) as session:
        (term,) = await queries.terms_of(session, WHO, SPACE)
        await service.decide(session, WHO, [service.Decision(term.id, ["CP-CM"])])
        importing = asyncio.create_task(imported())
        await until_waiting(database, importing)
    await importing
    assert await categories(database) == {"dos": ["CP-CM"], "uno": ["CP-CM"]}
