"""Connections stay open for the next burst and close after some idle time."""

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa
from common.db.session import Database

from tests.common import sample
from tests.support.patience import PATIENCE

_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"


async def test_what_a_burst_opened_serves_the_next_one(settings: sample.Settings) -> None:
    url = settings.database_url.get_secret_value()
    database = Database.at(url, pool_size=1, overflow=3, name="crowded")
    try:
        await at_once(4, database)
        first = await opened(database, "crowded")
        await at_once(4, database)
        assert await opened(database, "crowded") == first
        await database.give_back()  # All four were needed.
        await database.give_back()
        await until_open(1, database, "crowded")
    finally:
        await database.close()


async def test_who_comes_alone_gets_the_connection_that_was_used_last(
    settings: sample.Settings,
) -> None:
    database = Database.at(settings.database_url.get_secret_value(), pool_size=3, name="warm")
    try:
        await at_once(3, database)
        asked = [await database.once("SELECT pg_backend_pid()") for _ in range(6)]
        assert len({pid for ((pid,),) in asked}) == 1
    finally:
        await database.close()


@pytest.mark.parametrize("ended", ["refused", "raised", "cancelled", "cancelled twice"])
async def test_whatever_ends_a_transaction_undoes_it_and_gives_its_connection_back(
    database: Database, ended: str
) -> None:
    note = sa.insert(sample.NOTES).values(id=uuid4(), organisation_id=uuid4(), text=ended, size=1)
    begun = asyncio.Event()
    kept = []  # otherwise the garbage collector would return the connection to the pool

    async def work() -> None:
        async with database.transaction() as session:
            kept.append(session)
            await session.execute(note)
            if ended == "raised":
                raise LookupError
            if ended == "refused":
                await session.execute(note)
            begun.set()
            try:
                await session.execute(sa.text("SELECT pg_sleep(60)"))
            except asyncio.CancelledError:
                if ended == "cancelled twice":
                    asyncio.get_running_loop().call_soon(task.cancel)
                raise

    task = asyncio.create_task(work())
    if ended.startswith("cancelled"):
        await begun.wait()
        task.cancel()
    with pytest.raises((LookupError, sa.exc.IntegrityError, asyncio.CancelledError)):
        await task
    out, written = database._pool.checkedout(), await database.once("SELECT 1 FROM notes")
    await kept[0].close()  # otherwise a failed connection would keep the table locked
    assert (out, written) == (0, [])


async def opened(database: Database, name: str) -> set[int]:
    found = await database.once(
        "SELECT pid FROM pg_stat_activity WHERE application_name = $1", name
    )
    assert len(found) == 4
    return {row["pid"] for row in found}


async def test_what_the_busiest_moment_did_not_need_is_given_back(
    settings: sample.Settings,
) -> None:
    database = Database.at(settings.database_url.get_secret_value(), pool_size=4, name="rested")
    try:
        await at_once(4, database)
        await database.give_back()  # All four were needed.
        await until_open(4, database, "rested")

        async with database.transaction() as session:
            own = await session.scalar(sa.select(sa.func.pg_backend_pid()))
            await at_once(2, database)
            await database.give_back()  # closes nothing, because it would lose this connection
            assert await session.scalar(sa.select(sa.func.pg_backend_pid())) == own
        await until_open(4, database, "rested")

        await database.give_back()  # at most three connections were open at once since then
        await until_open(1, database, "rested")
        await at_once(3, database)
        await until_open(3, database, "rested")
    finally:
        await database.close()


async def test_giving_back_disturbs_nobody_who_comes_meanwhile(settings: sample.Settings) -> None:
    database = Database.at(settings.database_url.get_secret_value(), pool_size=4, name="meanwhile")
    try:
        for _ in range(5):
            await at_once(4, database)
            await database.give_back()
            await asyncio.gather(database.give_back(), at_once(4, database), database.give_back())
        await database.once("SELECT 1")
        await database.give_back()
        await database.once("SELECT 1")
        await database.give_back()
        await until_open(1, database, "meanwhile")
    finally:
        await database.close()


async def at_once(number: int, database: Database) -> None:
    await asyncio.gather(*(database.once("SELECT pg_sleep(0.1)") for _ in range(number)))


async def until_open(number: int, database: Database, name: str) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:  # the server notices a closed connection a moment later
        ((left,),) = await database.once(_OPEN, name)
        if left == number:
            return
        assert asyncio.get_running_loop().time() < deadline, f"{left} are open"
        await asyncio.sleep(0.05)
