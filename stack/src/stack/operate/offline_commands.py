"""Runs service commands while only PostgreSQL is running.

A restore runs nine commands in a row. They are forks of one process that has imported their modules
(`stack.embedded.fork_server`). Importing the modules for each command took twice as long as the commands themselves.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, BinaryIO, Self

from stack.embedded.key_files import make_key_files
from stack.embedded.layout import DEFAULT_PORT, Layout
from stack.embedded.nats import NatsServer, stored_credentials
from stack.embedded.plan import SERVICES, Choices, Planner, passed_on
from stack.embedded.postgres import PostgresServer
from stack.embedded.small import SmallDeployment
from stack.errors import StackError
from stack.texts import said

_NO_BROKER = 1  # no command here uses the event bus
_IMPORTED = ("common.db.migrations", "referrals.operations", "directory.operations")
_LONGEST_MESSAGE = 1000


class StoppedCommands:
    """Runs commands during the block. Outside Linux, each command is a separate program."""

    def __init__(self, layout: Layout, server: PostgresServer) -> None:
        self._layout = layout
        self._server = server

    def __enter__(self) -> Self:
        self._open = ExitStack()
        if sys.platform == "linux":
            self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                prepared = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "stack.embedded.fork_server",
                        str(theirs.fileno()),
                        *_IMPORTED,
                    ],
                    stdin=subprocess.DEVNULL,
                    env=passed_on(),
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            self._open.callback(prepared.wait)
            self._open.enter_context(self._line)  # the forking process ends when this socket closes
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def run(self, *verb: str, service: str = "referrals", owner: bool = False) -> str:
        """Run a command, optionally as the owner of the tables, and return its output. If it fails, raise StackError
        with the last line of its output."""
        arguments = [SERVICES[service], *verb]
        environment = self._deployed().environment(service, owner=owner)
        if sys.platform == "linux":
            code, told, complained = self._copied(arguments, environment)
        else:
            done = subprocess.run(
                [sys.executable, "-m", *arguments],
                env=environment,
                check=False,
                capture_output=True,
                text=True,
            )
            code, told, complained = done.returncode, done.stdout, done.stderr
        if code != 0:
            lines = (complained.strip() or told.strip() or said("it gave no reason")).splitlines()
            raise StackError.passed_on(f"{verb[0]}: {lines[-1]}")
        return told.strip()

    def _copied(self, arguments: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
        """Run the command as a fork. Return its exit code, output and errors, which are kept in memory."""
        order = json.dumps({"arguments": arguments, "environment": environment}).encode()
        with _in_memory("told") as told, _in_memory("complained") as complained:
            socket.send_fds(self._line, [order], [told.fileno(), complained.fileno()])
            pid = self._answer()["pid"]
            try:
                code = self._answer()["code"]
            except BaseException:  # Ctrl-C also ends the fork
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                raise
            told.seek(0)
            complained.seek(0)
            return code, told.read().decode(), complained.read().decode()

    def _answer(self) -> dict[str, Any]:
        message = self._line.recv(_LONGEST_MESSAGE)
        if not message:
            raise StackError(
                "the process that runs service commands has stopped: run this command again"
            )
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _deployed(self) -> Planner | SmallDeployment:
        if (small := SmallDeployment.of(self._layout)) is not None:
            return small
        broker = NatsServer(
            self._layout.nats,
            stored_credentials(self._layout.broker_credentials_file),
            port=_NO_BROKER,
        )
        planner = Planner(self._layout, Choices(port=DEFAULT_PORT), self._server, broker)
        make_key_files(self._layout)  # runs after the planner, which refuses to run with lost keys
        return planner


def _in_memory(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(name), "rb")
