"""PgBouncer in transaction mode between the services and PostgreSQL, where it is installed."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stack.ports import answers, free_port
from stack.unprivileged import account_for_servers, command_as

from tests.faults.stack_under_test import StackUnderTest, until

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"


def is_installed() -> bool:
    return Path(PROGRAM).exists()


@asynccontextmanager
async def running(stack: StackUnderTest) -> AsyncIterator[int]:
    """Gives the port at once; it answers as soon as the stack's PostgreSQL is known."""
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
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    passwords = json.loads((stack.layout.postgres / "passwords.json").read_text())
    users = folder / "users.txt"
    users.write_text("".join(f'"{role}" "{secret}"\n' for role, secret in passwords.items()))
    config = folder / "pgbouncer.ini"
    config.write_text(
        "[databases]\n"
        f"* = host=127.0.0.1 port={stack.state.ports['postgres']}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = plain\nauth_file = {users}\npool_mode = transaction\n"
        "default_pool_size = 10\nmax_client_conn = 400\nmax_prepared_statements = 0\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    log = (folder / "pgbouncer.log").open("ab")
    account = account_for_servers()
    command = [PROGRAM, str(config)]
    process = subprocess.Popen(
        command_as(account, command, [folder]),
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    log.close()
    return process
