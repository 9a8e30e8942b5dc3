"""A process that has imported the modules that all services share. Each service is a fork of it.

Importing the same thousand modules in six programs takes most of the startup time and half of the memory. The forks
share both. Each then becomes an ordinary process, with its own environment, session, output, process id and exit
status. `ForkServer` is the supervisor's side of the socket; `python -m stack.embedded.fork_server FD` is the other
side. (Python's own fork server skips handlers registered with `atexit`.)
"""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from stack.errors import StackError

if TYPE_CHECKING:
    # Otherwise each fork would inherit the supervisor's data about its stack.
    from stack.embedded.plan import Process

# Every service imports these modules; none of them starts a thread or opens a connection.
_SHARED = (
    "common.db.migrations",
    "common.http.server",
    "common.process.http_server",
    "common.verbs",
)
# These variables exist only in this environment, never in a container. Libraries that find them colour their output.
_NOT_THE_SERVICES = ("rich", "pygments")
_LONGEST_MESSAGE = 100_000
_SECONDS_TO_END = 10


class Copy:
    """A running fork, with the parts of `asyncio.subprocess.Process` that a child needs."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout = stdout
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        if not self._ended.done():
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def ended(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)


class ForkServer:
    """Starts forks. The server starts with the first fork or in `warm_up`, and starts again if it was killed.
    `environment` is visible in /proc of every fork, so it must not contain secrets."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._line: socket.socket | None = None
        self._reading: asyncio.Task[None] | None = None
        self._copies: dict[int, Copy] = {}
        self._asked: tuple[asyncio.Future[Copy], asyncio.StreamReader] | None = None
        self._one_at_a_time = asyncio.Lock()

    def can_begin(self, process: "Process") -> bool:
        """Return whether a fork would import exactly the same modules as the program itself."""
        return (
            sys.platform == "linux"
            and process.command[:2] == (sys.executable, "-m")
            and process.environment.get("PYTHONPATH") == self._environment.get("PYTHONPATH")
        )

    async def warm_up(self) -> None:
        """Start importing early, so that the first fork starts faster. If this fails, `begin` reports the error."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                async with self._one_at_a_time:
                    await self._opened()

    async def begin(self, process: "Process") -> Copy:
        """Start a fork. Raise StackError if the server fails twice."""
        async with self._one_at_a_time:
            try:
                return await self._ask(process)
            except OSError:
                # The server was just killed, so end its orphans first, then start a new server.
                if self._reading is not None:
                    await asyncio.shield(self._reading)
            try:
                return await self._ask(process)
            except OSError as error:
                raise StackError(
                    "{name} could not be started: {error}", name=process.name, error=error
                ) from error

    async def _ask(self, process: "Process") -> Copy:
        line = await self._opened()
        read, write = os.pipe()
        answer: asyncio.Future[Copy] = asyncio.get_running_loop().create_future()
        self._asked = answer, await _lines_of(read)
        order = {"arguments": process.command[2:], "environment": process.environment}
        try:
            socket.send_fds(line, [json.dumps(order).encode()], [write])
            return await answer
        finally:
            os.close(write)

    async def stop(self) -> None:
        """Stop the server and all running forks."""
        if self._process is None or self._reading is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._reading

    async def _opened(self) -> socket.socket:
        if self._line is not None:
            return self._line
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, contextlib.ExitStack() as given_up:
            given_up.enter_context(ours)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "stack.embedded.fork_server", str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                env=self._environment,
                pass_fds=[theirs.fileno()],
                # Only the supervisor may receive Ctrl-C.
                start_new_session=True,
            )
            given_up.pop_all()
        ours.setblocking(False)
        self._line = ours
        self._reading = asyncio.create_task(self._read(ours, self._process))
        return ours

    async def _read(self, line: socket.socket, process: asyncio.subprocess.Process) -> None:
        with line:
            while message := await _message(line):
                told = json.loads(message)
                if "code" in told:
                    self._copies.pop(told["pid"]).ended(told["code"])
                elif self._asked is not None:
                    self._began(told["pid"], *self._asked)
        self._line = None
        if self._asked is not None and not self._asked[0].done():
            self._asked[0].set_exception(ConnectionError("the fork server ended"))
        await process.wait()
        # Nobody would notice when these forks end, and the forks that replace them need the same ports.
        orphans, self._copies = self._copies, {}
        await asyncio.to_thread(_end, list(orphans))
        for copy in orphans.values():
            copy.ended(-signal.SIGKILL)

    def _began(self, pid: int, asked: asyncio.Future[Copy], lines: asyncio.StreamReader) -> None:
        self._copies[pid] = copy = Copy(pid, lines)
        if asked.cancelled():
            copy.terminate()
        else:
            asked.set_result(copy)


async def _message(line: socket.socket) -> bytes:
    """Return the next message. Return an empty message at the end of the connection, even if an order was not read."""
    try:
        return await asyncio.get_running_loop().sock_recv(line, _LONGEST_MESSAGE)
    except ConnectionResetError:
        return b""


async def _lines_of(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    return reader


def _end(pids: list[int]) -> None:
    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
            processes[-1].terminate()
    _, deaf = psutil.wait_procs(processes, _SECONDS_TO_END)
    for process in deaf:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(deaf)


# -- the server process ------------------------------------------------------------------------------


def main(line: socket.socket, modules: Sequence[str]) -> None:
    """Import the modules, and fork for each order until the socket closes. Each fork runs its program and ends."""
    for module in _NOT_THE_SERVICES:
        sys.modules[module] = None  # type: ignore[assignment]  # "not there", as Python's documentation has it
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    with line:
        program = _serve(line)
    if program is not None:
        _become(*program)


def _serve(line: socket.socket) -> tuple[list[str], dict[str, str], list[int]] | None:
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([line.fileno(), woken], [], [])
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, _LONGEST_MESSAGE)
            _tell_who_ended(line)
        if line.fileno() not in ready:
            continue
        message, outputs, _, _ = socket.recv_fds(line, _LONGEST_MESSAGE, 2)
        if not message:
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(woken)
            os.close(wake)
            order = json.loads(message)
            return order["arguments"], order["environment"], outputs
        for output in outputs:
            os.close(output)
        _tell(line, {"pid": pid})


def _tell_who_ended(line: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(line, {"pid": ended[0], "code": os.waitstatus_to_exitcode(ended[1])})


def _tell(line: socket.socket, what: dict[str, int]) -> None:
    with contextlib.suppress(
        OSError
    ):  # the supervisor has ended, which the next read of the socket detects
        line.send(json.dumps(what).encode())


def _become(arguments: list[str], environment: dict[str, str], outputs: list[int]) -> None:
    """Become the program `python -m …` with this environment. Output and errors go to one pipe or to two."""
    os.setsid()
    sys.stdout.flush()
    for number, output in ((1, outputs[0]), (2, outputs[-1])):
        os.dup2(output, number)
    for output in outputs:
        os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    module, *rest = arguments
    with contextlib.suppress(OSError):  # sets the name shown in process lists
        Path("/proc/self/comm").write_text(module)
    # Detect a release that was installed after this process started.
    importlib.invalidate_caches()
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:] or _SHARED)
