"""What was found is given again only while nothing changed, to the caller who could see it."""

import random
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.database import Database
from common.sight import ANYONE, Audience, audience_of
from services_directory.hsds.schemas import ServiceDocument
from services_directory.reading.kept_rows import KeptRows, size_of
from services_directory.reading.rows_queries import Reader
from services_directory.search.parameters import ServiceQuery
from services_directory.search.queries import service_page
from services_directory.services.entering import upsert_service
from stack.postgres import ServiceDatabase

from benchmarks.directory import WORDS, fill, template
from tests.services.directory.kept_reader import Counting
from tests.support.databases import MigratedDatabases
from tests.support.principals import principal

SERVICES = 40
TODAY = date(2026, 11, 26)
QUERY = {"search": "apoyo mujeres", "area": "VE"}
WHO = principal("im-officer")


@pytest.fixture
async def made(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("services_directory", "directory_kept_rows")


@pytest.fixture
async def database(made: ServiceDatabase) -> AsyncIterator[Database]:
    """Where transactions end: of one that runs on nothing is kept."""
    opened = Database.at(made.app_url)
    async with opened.transaction() as session:
        filled = await session.scalar(sa.text("SELECT true FROM service_documents LIMIT 1"))
    if not filled:
        await fill(opened, SERVICES, SERVICES)
    yield opened
    await opened.close()


@pytest.fixture
async def reader(made: ServiceDatabase) -> AsyncIterator[Counting]:
    opened = Counting(made)
    yield opened
    await opened.close()


async def ids(reader: Reader, audience: Audience = ANYONE, **asked: Any) -> list[UUID]:
    query = ServiceQuery.model_validate(asked or QUERY)
    found = await service_page(reader, query, audience, TODAY, "list_body")
    return [row["service_id"] for row in found.rows]


async def kept(reader: Counting, audience: Audience = ANYONE, **asked: Any) -> list[UUID]:
    return await reader.until_kept(lambda: ids(reader, audience, **asked))


def document(number: int, **fields: Any) -> ServiceDocument:
    """Found by `QUERY`."""
    plain = template(number, random.Random(number)).model_dump(mode="json", exclude_unset=True)  # noqa: S311 - no secret
    return ServiceDocument.model_validate(plain | {"name": f"Apoyo mujeres {number}"} | fields)


async def enter(database: Database, number: int, **fields: Any) -> UUID:
    async with database.transaction() as session:
        return (await upsert_service(session, WHO, document(number, **fields))).id


async def change(database: Database, service_id: UUID, number: int, **fields: Any) -> None:
    async with database.transaction() as session:
        changed = document(number, **fields)
        await upsert_service(session, WHO, changed, service_id=service_id)


async def test_what_is_asked_again_is_not_looked_for_again(
    database: Database, reader: Counting
) -> None:
    await enter(database, 101)
    found = await ids(reader)
    assert found
    assert await kept(reader) == found


async def test_what_was_hidden_is_gone_with_the_next_answer(
    database: Database, reader: Counting
) -> None:
    house = await enter(database, 102)
    assert house in await kept(reader)
    await change(database, house, 102, visibility="pathway")
    assert house not in await ids(reader)
    assert house not in await kept(reader)


async def test_what_is_kept_ends_with_the_history_that_it_is_of(
    database: Database, reader: Counting
) -> None:
    """After a failover that lost the last commits the same number is another transaction: here a house was hidden
    by it that was public in the history before."""
    own = await enter(database, 60)
    assert own in await kept(reader)
    newest = sa.text("SELECT max(xid::text::bigint) FROM service_changes WHERE level = 0")
    async with database.transaction() as session:
        before = await session.scalar(newest)
    await change(database, own, 60, visibility="pathway")
    async with database.transaction() as session:
        await session.execute(
            sa.text(
                f"UPDATE service_changes SET xid = '{before}'::xid8 WHERE xid > '{before}'::xid8"
            )
        )
    async with database.transaction() as session:
        assert await session.scalar(newest) == before
        ended = sa.text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'kept-rows'"
        )
        assert await session.scalar(ended)
    assert own not in await ids(reader)


async def test_nothing_is_kept_while_an_older_writer_runs(
    database: Database, reader: Counting
) -> None:
    """Its change would come without raising the newest transaction."""
    house = await enter(database, 103)
    hidden = document(103, visibility="pathway")
    async with database.transaction() as older:
        await upsert_service(older, WHO, hidden, service_id=house)
        await enter(database, 104)
        for _ in range(4):
            assert house in await ids(reader)
    assert house not in await ids(reader)


async def test_each_caller_is_given_what_that_caller_sees(
    database: Database, reader: Counting
) -> None:
    house = await enter(database, 105, visibility="partners")
    partner = audience_of(principal("health-cluster"))
    assert house in await kept(reader, partner)
    assert house not in await kept(reader)
    assert house in await kept(reader, partner)


async def test_any_question_after_any_change_is_answered_as_if_nothing_were_kept(
    database: Database, reader: Counting, made: ServiceDatabase
) -> None:
    chosen = random.Random(11)  # noqa: S311 - no secret
    callers = [ANYONE, audience_of(principal("health-cluster")), audience_of(WHO)]
    entered = [await enter(database, 200 + number) for number in range(4)]
    answered = 0
    for step in range(40):
        at = chosen.randrange(len(entered))
        await change(
            database, entered[at], 200 + at,
            visibility=chosen.choice(["public", "partners", "pathway"]),
            capacity_state=chosen.choice(["accepting", "full"]), alternate_name=f"step {step}",
        )  # fmt: skip
        for _ in range(3):
            asked = {"search": chosen.choice([QUERY["search"], *WORDS[:3]]), "per_page": 10}
            audience = chosen.choice(callers)
            fresh = Reader(made.app_url, size=1, via_pgbouncer=False, name="fresh")
            expected = await ids(fresh, audience, **asked)
            await fresh.close()
            for _ in range(3):
                reader.sent.clear()
                assert await ids(reader, audience, **asked) == expected
                answered += not reader.looked()
    assert answered, "nothing was ever answered by what was kept"


def test_rows_take_their_bodies_and_something_beside() -> None:
    assert size_of([]) == 0
    assert size_of([{"body": bytes(2_000), "id": 1}]) == size_of([{"id": 1}]) + 2_000


def test_what_came_first_makes_room() -> None:
    held = KeptRows(most_bytes=10_000, most=100)
    for at in range(10):
        question = bytes([at])
        assert not held.asked_before(question)
        assert held.asked_before(question)
        held.keep(question, "7", ["found"], 2_000)
        assert held.size <= 10_000
    assert held.get(bytes([9]), "7")
    assert held.get(bytes([0]), "7") is None


def test_what_is_too_large_or_was_never_asked_is_not_kept() -> None:
    held = KeptRows(most_bytes=10_000)
    held.keep(b"never", "7", ["found"], 10)
    held.asked_before(b"large")
    held.keep(b"large", "7", ["found"], 9_000)
    assert not held.holds(b"never")
    assert not held.holds(b"large")
    assert held.size == 0


def test_a_newer_change_frees_what_was_kept() -> None:
    held = KeptRows()
    held.asked_before(b"question")
    held.keep(b"question", "7", ["found"], 100)
    assert held.get(b"question", "8") is None
    assert held.size == 0
    assert held.get(b"question", "7") is None


def test_only_so_many_questions_are_known() -> None:
    held = KeptRows(most=3)
    for at in range(5):
        held.asked_before(bytes([at]))
    assert not held.asked_before(bytes([0]))
    assert held.asked_before(bytes([4]))
