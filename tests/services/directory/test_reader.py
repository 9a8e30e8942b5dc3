"""The reader's connections: lost, refused and broken-off statements leave it able to read."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from services_directory.reading.rows_queries import Reader
from stack.postgres import ServiceDatabase


@pytest.fixture
async def reader(directory_database: ServiceDatabase) -> AsyncIterator[Reader]:
    made = Reader(directory_database.app_url, size=2, via_pgbouncer=False, name="reader-test")
    yield made
    await made.close()


async def number(reader: Reader, text: str = "SELECT 7 AS n") -> int:
    found: int = (await reader.fetch(text, []))[0]["n"]
    return found


async def test_a_connection_is_used_again(reader: Reader) -> None:
    first = await number(reader, "SELECT pg_backend_pid() AS n")
    assert await number(reader, "SELECT pg_backend_pid() AS n") == first


async def test_a_lost_connection_is_replaced_and_the_question_asked_again(
    reader: Reader, directory_database: ServiceDatabase
) -> None:
    lost = await number(reader, "SELECT pg_backend_pid() AS n")
    other = await asyncpg.connect(directory_database.app_url.replace("+asyncpg", ""))
    await other.fetch("SELECT pg_terminate_backend($1)", lost)
    await other.close()
    await asyncio.sleep(0.05)
    assert await number(reader) == 7


async def test_a_refused_statement_costs_no_connection(reader: Reader) -> None:
    before = await number(reader, "SELECT pg_backend_pid() AS n")
    with pytest.raises(asyncpg.PostgresError):
        await number(reader, "SELECT 1/0 AS n")
    assert await number(reader, "SELECT pg_backend_pid() AS n") == before


async def test_a_question_that_is_broken_off_takes_its_connection_along(reader: Reader) -> None:
    slow = asyncio.create_task(number(reader, "SELECT 7 AS n FROM pg_sleep(30)"))
    await asyncio.sleep(0.1)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await number(reader) == 7


async def test_more_questions_than_connections_wait_for_one(reader: Reader) -> None:
    assert await asyncio.gather(*(number(reader) for _ in range(10))) == [7] * 10


@pytest.mark.parametrize("afresh", [False, True], ids=["once", "for these values"])
async def test_a_search_is_planned_for_its_words_and_what_is_asked_by_an_index_once(
    reader: Reader, afresh: bool
) -> None:
    # A list of unknown length counts as ten: any plan for one value would look cheaper than that for all.
    text = "SELECT level FROM service_documents WHERE service_id = ANY($1::uuid[])"
    for _ in range(8):
        await reader.fetch(text, [[]], afresh=afresh)
    (row,) = await reader.fetch(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1",
        [text],
        afresh=afresh,
    )
    assert (row["generic_plans"], row["custom_plans"]) == ((0, 8) if afresh else (8, 0))
