"""A plan that was asked for before is made of what was found then only while nothing changed."""

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from common.database import Database
from services_directory.pathways.definition.profile import Profile
from services_directory.pathways.matching.candidate_rows import Known, KnownDocuments
from services_directory.pathways.planning.resolving import Caller, plan
from services_directory.reading.rows_queries import Reader
from services_directory.services.entering import upsert_service
from stack.postgres import ServiceDatabase

from tests.services.directory.kept_reader import Counting
from tests.services.directory.pathways.profiles import service
from tests.services.directory.pathways.scenario import document, load
from tests.support.databases import MigratedDatabases
from tests.support.principals import principal

AREA = "VE2004"
COORDINATOR = "cp-coordinator"
CALLERS = ["anonymous", "health-cluster", "ngo-refugio", COORDINATOR]
PROFILES = [
    {"area": AREA, "needs": ["CP-CM"], "age": 12},
    {"area": AREA, "needs": ["CP-CM", "CP-MHPSS"], "age": 12, "languages": ["spa"]},
    {"area": "VE2313", "needs": ["CP-CM", "HOT"], "age": 30},  # nothing fits: near misses, and elsewhere
]  # fmt: skip
Answer = list[tuple[str, str, int, tuple[str, ...], str]]


@pytest.fixture
async def made(databases: MigratedDatabases, followers: None) -> ServiceDatabase:
    return await databases.of("services_directory", "directory_kept_plans")


@pytest.fixture
async def database(made: ServiceDatabase) -> AsyncIterator[Database]:
    """Where transactions end: of one that runs on nothing is kept."""
    opened = Database.at(made.app_url)
    async with opened.transaction() as session:
        if not await session.scalar(sa.text("SELECT true FROM service_documents LIMIT 1")):
            await load(session)
    yield opened
    await opened.close()


@pytest.fixture
async def reader(made: ServiceDatabase) -> AsyncIterator[Counting]:
    opened = Counting(made)
    yield opened
    await opened.close()


async def planned(reader: Reader, who: str = "ngo-refugio", at: int = 0) -> Answer:
    """Need, coverage, how many fit, the services and what is in the way, of each step."""
    caller = Caller.of(principal(who))
    found = await plan(reader, caller, Profile.model_validate(PROFILES[at]))
    return [
        (
            step.ordered.step.need,
            step.coverage.value,
            step.fitting,
            tuple(each.candidate.service_id for each in step.services),
            repr(step.shortfall),
        )
        for step in found.steps
    ]


async def kept(reader: Counting, who: str = "ngo-refugio", at: int = 0) -> Answer:
    return await reader.until_kept(lambda: planned(reader, who, at))


async def enter(database: Database, number: int, **fields: Any) -> UUID:
    """Services that take the child of `PROFILES[0]`, endorsed by who enters them."""
    async with database.transaction() as session:
        each = document(f"Gestión {number}", ["CP-CM"], AREA, [AREA], ages=(0, 17), **fields)
        return (await upsert_service(session, principal(COORDINATOR), each)).id


def services(answer: Answer) -> set[str]:
    return {service_id for step in answer for service_id in step[3]}


async def test_what_is_asked_again_is_not_looked_for_again(
    database: Database, reader: Counting
) -> None:
    await enter(database, 1)
    found = [await planned(reader, at=at) for at in range(len(PROFILES))]
    assert all(found)
    assert [await kept(reader, at=at) for at in range(len(PROFILES))] == found


async def test_a_house_that_was_hidden_is_gone_from_the_next_plan(
    database: Database, reader: Counting
) -> None:
    house = str(await enter(database, 2))
    assert house in services(await kept(reader, "anonymous"))
    await enter(database, 2, visibility="restricted")
    assert house not in services(await planned(reader, "anonymous"))
    assert house not in services(await kept(reader, "anonymous"))


async def test_who_is_full_is_gone_from_the_next_plan(database: Database, reader: Counting) -> None:
    full = str(await enter(database, 3))
    assert full in services(await kept(reader))
    await enter(database, 3, capacity="full")
    assert full not in services(await planned(reader))


async def test_each_caller_is_given_what_that_caller_sees(
    database: Database, reader: Counting
) -> None:
    house = str(await enter(database, 4, visibility="restricted"))
    assert house in services(await kept(reader, COORDINATOR))
    for who in ("anonymous", "health-cluster"):
        assert house not in services(await kept(reader, who))
    assert house in services(await kept(reader, COORDINATOR))


async def test_any_plan_after_any_change_is_as_if_nothing_were_kept(
    database: Database, reader: Counting, made: ServiceDatabase
) -> None:
    chosen = random.Random(17)  # noqa: S311 - no secret
    answered = 0
    for _ in range(30):
        await enter(
            database, 100 + chosen.randrange(4),
            visibility=chosen.choice(["public", "partners", "pathway", "restricted"]),
            capacity=chosen.choice(["accepting", "waitlist", "full"]),
            status=chosen.choice(["fully_functional", "partially_functional", "suspended"]),
            delay=chosen.choice(["same_day", "one_month"]),
        )  # fmt: skip
        for _ in range(3):
            who, at = chosen.choice(CALLERS), chosen.randrange(len(PROFILES))
            fresh = Reader(made.app_url, size=1, via_pgbouncer=False, name="fresh")
            expected = await planned(fresh, who, at)
            await fresh.close()
            for _ in range(3):
                reader.sent.clear()
                assert await planned(reader, who, at) == expected
                answered += not reader.looked()
    assert answered, "no plan was ever made of what was kept"


def test_services_for_the_whole_country_make_what_is_known_no_larger() -> None:
    """A document counts as large as it is: one has a site, another a site in each municipality."""
    sites = tuple((f"VE{number:04}", (8.0, -66.0)) for number in range(335))
    everywhere, most = Known(service(), sites), 10 * 2**20
    documents, keys = KnownDocuments(most), [(uuid4(), 1, "etag", "HLT") for _ in range(400)]
    for key in keys:
        documents.keep(key, everywhere)
        documents.keep(key, everywhere)  # two plans that read it at the same time
    kept = [key for key in keys if documents.get(key)]
    assert kept == keys[-len(kept) :], "those that came last"
    assert most - everywhere.size < documents.size == len(kept) * everywhere.size <= most
    assert everywhere.size > 20 * Known(service(), sites[:1]).size
