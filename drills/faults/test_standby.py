"""The server that takes over has all acknowledged changes, because the first server waited for it. As a control, the
same drill without waiting loses an acknowledged change."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from stack.embedded.postgres import PostgresServer

from drills.faults.stack_under_test import until
from drills.faults.standby import Standby

pytestmark = [pytest.mark.faults, pytest.mark.slow]
_NOT_ACKNOWLEDGED_SECONDS = 5


@pytest.fixture
def first(tmp_path: Path) -> Iterator[PostgresServer]:
    tmp_path.chmod(0o755)
    folder = tmp_path / "first"
    folder.mkdir(mode=0o755)
    server = PostgresServer(folder)
    server.start()
    yield server
    server.stop(immediate=True)


@pytest.mark.parametrize("waits", [True, False])
async def test_what_was_acknowledged_is_at_a_second_that_had_fallen_behind(
    first: PostgresServer, tmp_path: Path, waits: bool
) -> None:
    standby = Standby(first, tmp_path / "second")
    await standby.follow()
    try:
        if not waits:
            first.psql("ALTER SYSTEM RESET synchronous_standby_names")
            first.psql("SELECT pg_reload_conf()")
            await asyncio.sleep(1)
        first.psql("CREATE TABLE told (n integer)")
        arrived = "SELECT to_regclass('told') IS NOT NULL"
        await until(lambda: standby.server.psql(arrived).strip() == "t", 60, "both have the table")
        standby.falls_behind()
        acknowledged = await _acknowledged(first)
        first.stop(immediate=True)
        standby.take_over()
        there = standby.server.psql("SELECT count(*) FROM told").strip() == "1"
        assert acknowledged == (not waits)
        assert not there
    finally:
        standby.server.stop(immediate=True)


async def _acknowledged(server: PostgresServer) -> bool:
    connection = await asyncpg.connect(server.admin_dsn)
    try:
        await asyncio.wait_for(
            connection.execute("INSERT INTO told VALUES (1)"), _NOT_ACKNOWLEDGED_SECONDS
        )
    except TimeoutError:
        return False
    finally:
        connection.terminate()
    return True
