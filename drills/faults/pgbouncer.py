"""PgBouncer in transaction mode between the services and PostgreSQL, if it is installed."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stack.embedded.ports import answers, free_port

from drills.faults.stack_under_test import StackUnderTest, until
from tests.support import pgbouncer


@asynccontextmanager
async def running(stack: StackUnderTest) -> AsyncIterator[int]:
    """Yield the port at once; PgBouncer responds once the stack's PostgreSQL is known."""
    port = free_port()
    folder = stack.layout.root.with_name(stack.layout.root.name + "-pgbouncer")
    starting = asyncio.create_task(_start(stack, folder, port))
    try:
        yield port
    finally:
        starting.cancel()
        done = await asyncio.gather(starting, return_exceptions=True)
        process = done[0]
        if isinstance(process, subprocess.Popen):
            process.kill()
            await asyncio.to_thread(process.wait)


async def _start(stack: StackUnderTest, folder: Path, port: int) -> "subprocess.Popen[bytes]":
    def known() -> bool:
        try:
            return answers(stack.state.ports["postgres"])
        except (RuntimeError, KeyError):
            return False

    await until(known, 120, "PostgreSQL is known")
    passwords = json.loads((stack.layout.postgres / "passwords.json").read_text())
    settings = {"pool_mode": "transaction", "default_pool_size": 10, "max_client_conn": 400}
    command = pgbouncer.command(folder, port, stack.state.ports["postgres"], passwords, settings)
    log = (folder / "pgbouncer.log").open("ab")
    process = subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    log.close()
    return process
