"""Ruta counts a narrowed list for its first page, and again only after a change."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from datetime import date

import pytest
from common.db.session import Database
from common.sight import ANYONE
from directory.find.search.page_queries import TOTALS
from directory.find.search.parameters import ServiceQuery
from directory.find.search.queries import service_page
from directory.record.services.upsert import upsert_service

from benchmarks.directory import fill, listen, template
from tests.support.databases import MigratedDatabases
from tests.support.patience import PATIENCE
from tests.support.principals import principal

SERVICES = 40


@pytest.fixture
async def database(databases: MigratedDatabases) -> AsyncIterator[Database]:
    """Return a database with real commits, because counts are cached only while no transaction is open."""
    made = await databases.of("directory", "directory_counted_once")
    opened = Database.at(made.app_url)
    yield opened
    await opened.close()


async def page(database: Database, number: int) -> tuple[int, bool]:
    """Return the total, and whether this request counted it."""
    asked = listen(database)
    async with database.transaction() as session:
        query = ServiceQuery(area="VE", page=number, per_page=10)
        found = await service_page(session, query, ANYONE, date(2026, 11, 26), "list_body")
    return found.total, any("left_over" in text for text, _ in asked)


async def counted_no_more(database: Database, total: int) -> None:
    """Wait until no transaction is older than the latest change."""
    end = time.monotonic() + PATIENCE
    while (found := await page(database, 2)) != (total, False):
        assert found[0] == total
        assert time.monotonic() < end, "the next page counts again"
        await asyncio.sleep(0.05)


async def test_a_list_is_counted_again_only_after_a_change(database: Database) -> None:
    await fill(database, SERVICES, SERVICES)
    assert await page(database, 1) == (SERVICES, True)
    await counted_no_more(database, SERVICES)
    async with database.transaction() as session:
        await upsert_service(session, principal("im-officer"), template(99, random.Random(1)))  # noqa: S311 - no secret
    assert await page(database, 2) == (SERVICES + 1, True)
    await counted_no_more(database, SERVICES + 1)


async def test_words_that_somebody_looked_for_stay_in_no_memory(database: Database) -> None:
    await fill(database, SERVICES, SERVICES)
    query = ServiceQuery(search="apoyo aqueltestigo", area="VE", age=30)
    TOTALS.forget()
    end = time.monotonic() + PATIENCE
    while "few|" not in (
        kept := repr(vars(TOTALS))
    ):  # A count is cached only after older transactions have ended.
        assert time.monotonic() < end, "how few it leaves is not remembered"
        async with database.transaction() as session:
            await service_page(session, query, ANYONE, date(2026, 11, 26), "list_body")
    assert "aqueltestigo" not in kept
