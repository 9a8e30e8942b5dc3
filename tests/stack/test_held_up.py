"""`doctor` names the session that blocks others in the database, and its remedy works."""

import asyncio
import os
import re
import signal

import asyncpg
from stack.commands.doctor import Finding, held_up
from stack.embedded.postgres import PostgresServer

from tests.support.system import until


async def test_who_makes_others_wait_is_named_and_ended(postgres: PostgresServer) -> None:
    postgres.psql("CREATE TABLE wanted (n int)")
    first, second, third = [await asyncpg.connect(postgres.admin_dsn) for _ in range(3)]
    found: list[Finding] = []

    def both_wait() -> bool:
        found[:] = held_up(postgres, here=True, seconds=0)
        return any("2 wait" in each.found for each in found)

    try:
        holder = first.get_server_pid()
        await first.execute("BEGIN; LOCK TABLE wanted IN ACCESS EXCLUSIVE MODE")
        waiting = [asyncio.create_task(each.fetch("TABLE wanted")) for each in (second, third)]
        await asyncio.to_thread(until, both_wait, "both wait")
        (named,) = found
        assert named.check == f"session {holder} of postgres"
        (pid,) = re.findall(r"kill (\d+)", named.advice)
        os.kill(int(pid), signal.SIGTERM)
        assert await asyncio.gather(*waiting) == [[], []]
        assert list(held_up(postgres, here=True, seconds=0)) == []
    finally:
        first.terminate()
        await second.close()
        await third.close()
        postgres.psql("DROP TABLE wanted")
