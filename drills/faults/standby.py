"""A second PostgreSQL that follows the stack's server by synchronous streaming and can replace it."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from stack.embedded.ports import LOOPBACK, free_port
from stack.embedded.postgres import SUPERUSER, PostgresServer, binaries
from stack.embedded.unprivileged import account_for_servers, command_as
from stack.operate.service_commands import attached_postgres

from drills.faults.stack_under_test import StackUnderTest, until

NAME = "standby"


class Standby:
    """A standby. Call `follow`, then `take_over` once the first server is dead, and `give_back` before the stack
    restarts it."""

    def __init__(self, first: PostgresServer, folder: Path, *, durable: bool = True) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        folder.chmod(0o755)
        self.server = PostgresServer(folder, port=free_port(), durable=durable)
        self._first = first
        self._receiver = 0

    @classmethod
    def of(cls, stack: StackUnderTest) -> "Standby":
        folder = stack.layout.root.with_name(f"{stack.layout.root.name}-{NAME}")
        return cls(attached_postgres(stack.layout, stack.state), folder)

    def begin(self) -> None:
        """Copy the first server and follow it, without making it wait."""
        shutil.copy(self._first.passwords_file, self.server.passwords_file)
        self._copy(self.server.cluster)
        self.server.start()

    async def follow(self) -> None:
        """Copy the first server and follow it. From then on the first server commits nothing that is missing here."""
        self.begin()
        self._first.psql(f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'")
        self._first.psql("SELECT pg_reload_conf()")
        state = f"SELECT sync_state FROM pg_stat_replication WHERE application_name = '{NAME}'"
        await until(lambda: self._first.psql(state).strip() == "sync", 60, "the second is in step")

    def _copy(self, cluster: Path) -> None:
        account = account_for_servers()
        cluster.mkdir(mode=0o700)
        if account is not None:
            account.owns(cluster)
        program = binaries() / "pg_basebackup"
        source = (
            f"host={LOOPBACK} port={self._first.port} user={SUPERUSER}"
            f" password={self._first.password(SUPERUSER)} application_name={NAME}"
        )
        command = [
            str(program), "--pgdata", str(cluster), "--dbname", source, "--write-recovery-conf",
            "--wal-method", "stream", "--checkpoint", "fast",
        ]  # fmt: skip
        subprocess.run(
            command_as(account, command, [program, cluster]),
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip

    def falls_behind(self) -> None:
        """Stop receiving without telling the first server; the connection stays up."""
        self._receiver = int(self.server.psql("SELECT pid FROM pg_stat_wal_receiver"))
        os.kill(self._receiver, signal.SIGSTOP)

    def take_over(self) -> None:
        """Accept writes from now on, without waiting for another server."""
        if self._receiver:
            # Data in transit must never arrive. A stopped receiver would process its whole socket buffer before it
            # handles a milder signal, so kill it.
            os.kill(self._receiver, signal.SIGKILL)
            self._receiver = 0
            self.server.stop(immediate=True)
            self.server.start()
        self.server.psql("SELECT pg_promote()")
        for setting in ("synchronous_standby_names", "primary_conninfo"):
            self.server.psql(f"ALTER SYSTEM RESET {setting}")
        self.server.psql("SELECT pg_reload_conf()")

    def give_back(self) -> None:
        """Replace the stopped first server's files with those of the standby."""
        self.server.stop()
        shutil.rmtree(self._first.cluster)
        shutil.move(self.server.cluster, self._first.cluster)
        self._first.take_over()
