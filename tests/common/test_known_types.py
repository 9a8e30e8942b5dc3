"""What PostgreSQL's own types are made of is asked once for a process, what somebody made each time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
import sqlalchemy as sa
from common import known_types
from common.database import Database
from sqlalchemy.ext.asyncio import AsyncSession

from tests.common import sample

_LISTS = sa.text("SELECT CAST(:ids AS uuid[]), CAST(:levels AS smallint[])")
_SEARCHED = sa.text(
    "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'WITH RECURSIVE typeinfo_tree%'"
)


@pytest.fixture
def url(settings: sample.Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(known_types, "_KNOWN", {})
    return settings.database_url.get_secret_value()


async def test_a_second_connection_reads_lists_without_searching_the_catalogue(url: str) -> None:
    given = {"ids": [UUID(int=7)], "levels": [1, 2]}
    searched = []
    for pooled in (False, False, True):
        async with connected(url, via_pgbouncer=pooled) as session:
            (row,) = await session.execute(_LISTS, given)
            assert tuple(row) == ([UUID(int=7)], [1, 2])
            searched.append(await session.scalar(_SEARCHED))
    assert searched[:2] == [1, 0]  # what has no name, as behind a pooler, is not listed


async def test_a_type_that_was_made_anew_is_read_as_it_is_now(url: str) -> None:
    for words in (["north", "south"], ["up", "down"]):
        async with connected(url) as session:
            shown = ", ".join(f"'{word}'" for word in words)
            await session.execute(sa.text(f"CREATE TYPE pg_temp.way AS ENUM ({shown})"))
            taken = sa.text(f"SELECT CAST(ARRAY[{shown}] AS pg_temp.way[])")
            assert await session.scalar(taken) == words
            assert await session.scalar(_SEARCHED) == 1


@asynccontextmanager
async def connected(url: str, *, via_pgbouncer: bool = False) -> AsyncIterator[AsyncSession]:
    database = Database.at(url, via_pgbouncer=via_pgbouncer)
    try:
        async with database.transaction() as session:
            yield session
    finally:
        await database.close()
