"""Connections of a pool: which one is handed out next."""

from contextlib import AsyncExitStack

from common.database import Database

from tests.common import sample


async def test_the_one_that_is_there_longest_goes_out_whichever_came_back_last(
    settings: sample.Settings,
) -> None:
    database = Database.at(settings.database_url.get_secret_value(), pool_size=3)
    earlier, later = AsyncExitStack(), AsyncExitStack()
    try:
        first = (await earlier.enter_async_context(database.straight())).get_server_pid()
        second = (await later.enter_async_context(database.straight())).get_server_pid()
        assert first != second
        await earlier.aclose()
        await later.aclose()  # came back last
        for _ in range(2):
            async with database.straight() as driver, database.straight() as next_one:
                assert (driver.get_server_pid(), next_one.get_server_pid()) == (first, second)
    finally:
        await database.close()
