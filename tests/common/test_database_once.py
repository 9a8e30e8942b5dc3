"""A statement of its own gives its connection back, also when the pool has no place for it."""

import asyncio

from common.database import Database

from tests.common import sample

_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"


async def test_connections_over_the_pools_size_are_closed(settings: sample.Settings) -> None:
    url = settings.database_url.get_secret_value()
    database = Database.at(url, pool_size=1, overflow=3, name="crowded")
    try:
        await asyncio.gather(*(database.once("SELECT pg_sleep(0.2)") for _ in range(4)))
        for _ in range(100):  # the server notices an end a moment later
            ((left,),) = await database.once(_OPEN, "crowded")
            if left == 1:
                break
            await asyncio.sleep(0.05)
        assert left == 1
    finally:
        await database.close()
