"""What is found by words is read once, with its bodies; explained, it is fetched by its ids: the same answer."""

from collections.abc import AsyncIterator
from datetime import date
from itertools import pairwise

import pytest
from common.db.session import Database
from common.sight import audience_of
from directory.find.search.parameters import ServiceQuery
from directory.find.search.queries import service_page
from directory.ground.reading.rows_queries import Row

from benchmarks.directory import WORDS, fill
from tests.support.databases import MigratedDatabases
from tests.support.principals import organisation, principal

SERVICES = 30
CALLERS = ("anonymous", "health-cluster", "ngo-refugio", "gbv-coordinator")


@pytest.fixture
async def database(databases: MigratedDatabases) -> AsyncIterator[Database]:
    made = await databases.of("directory", "directory_read_once")
    opened = Database.at(made.app_url)
    yield opened
    await opened.close()


def seen(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("service_id", "level", "sensitive", "body", "total"))


@pytest.mark.parametrize("body", ["list_body", "full_body"])
async def test_bodies_that_come_along_are_those_of_the_services(
    database: Database, body: str
) -> None:
    await fill(database, SERVICES, SERVICES)
    owner = {"org": str(organisation(107))}
    callers = [*map(principal, CALLERS), principal("ngo-refugio", **owner)]
    levels: set[int] = set()
    async with database.transaction() as session:
        for words in list(pairwise(WORDS))[::6]:
            for caller in callers:
                for number in (1, 2):
                    asked = ServiceQuery(search=" ".join(words), page=number, per_page=7)
                    along, fetched = [
                        await service_page(
                            session, each, audience_of(caller), date(2026, 11, 30), body
                        )
                        for each in (asked, asked.model_copy(update={"explain": True}))
                    ]
                    assert [seen(row) for row in along.rows] == [seen(row) for row in fetched.rows]
                    levels |= {row["level"] for row in along.rows}
    assert levels == {0, 1, 2, 3}
