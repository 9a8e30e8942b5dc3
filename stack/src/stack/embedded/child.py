"""One program of the stack as a child process: starts it, watches it, restarts it (with backoff) and stops it."""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import psutil
from common.process.loops import pause

from stack.embedded.plan import Process
from stack.embedded.terminal import Console
from stack.errors import StackError
from stack.texts import said

_FIRST_PAUSE = 0.3
_LONGEST_PAUSE = 15.0
# If a program crashes after running this long, its restart pause is reset to the shortest one.
_WELL_AFTER = 20.0
_CHUNK = 65536


class Running(Protocol):
    """The parts of a process that `Child` needs."""

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    async def wait(self) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


async def begun(process: Process) -> Running:
    """Start a separate program, which imports its own modules."""
    return await asyncio.create_subprocess_exec(
        *process.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=process.environment,
        # Only the supervisor may receive Ctrl-C, because it stops everything in order.
        start_new_session=True,
    )


class Child:
    """Keeps a process running. `changed` receives the process id of each (re)start. The `hold` file suspends
    restarts."""

    def __init__(
        self,
        process: Process,
        console: Console,
        changed: Callable[[str, int], None],
        hold: Path,
        begin: Callable[[Process], Awaitable[Running]] = begun,
    ) -> None:
        self.process = process
        self.restarts = 0
        self._console = console
        self._changed = changed
        self._hold = hold
        self._begin = begin
        self._running: Running | None = None
        self._stopping = asyncio.Event()
        self._last_lines: deque[str] = deque(maxlen=20)

    @property
    def name(self) -> str:
        return self.process.name

    async def run_once(self) -> None:
        """Run the program once. Raise StackError if its exit code is not 0."""
        code = await self._run()
        if code != 0:
            raise StackError(
                "{name} failed (exit {code}): {words}",
                name=self.name,
                code=code,
                words=self.last_words(),
            )

    async def keep_running(self) -> None:
        seconds = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > _WELL_AFTER:
                seconds = _FIRST_PAUSE
            self.restarts += 1
            self._console.say(
                said(
                    "{name} stopped ({how}); it starts again in {seconds:.1f} s",
                    name=self.name,
                    how=_ending(code),
                    seconds=seconds,
                )
            )
            await pause(self._stopping, seconds)
            await held(self._hold, self._stopping)
            seconds = min(seconds * 2, _LONGEST_PAUSE)

    async def end_if_silent(
        self, status: Callable[[], int | None], every: float, times: int, starting: int
    ) -> None:
        """Kill a running program that fails to respond `times` times in a row, so that it restarts, as a kubelet does.
        A restarted program may fail `starting` times before its first response."""
        watched, silent, limit = self._pid(), 0, times
        while not self._stopping.is_set():
            await pause(self._stopping, every)
            if (pid := self._pid()) != watched:
                watched, silent, limit = pid, 0, starting
            if await asyncio.to_thread(status) is not None:
                silent, limit = 0, times
            elif pid:
                silent += 1
            if silent >= limit and self._running is not None:
                self._console.say(said("{name} does not answer and is killed", name=self.name))
                silent = 0
                self._running.kill()

    def _pid(self) -> int:
        return self._running.pid if self._running is not None and self.alive else 0

    async def stop(self, seconds: float) -> None:
        """Send SIGTERM, then SIGKILL after `seconds`."""
        self._stopping.set()
        running = self._running
        if running is None or running.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            running.send_signal(signal.SIGCONT)  # a suspended process would never receive SIGTERM
            running.terminate()
        try:
            await asyncio.wait_for(running.wait(), seconds)
        except TimeoutError:
            self._console.say(
                said(
                    "{name} did not stop within {seconds:.0f} s and was killed",
                    name=self.name,
                    seconds=seconds,
                )
            )
            with contextlib.suppress(ProcessLookupError):
                running.kill()
            await running.wait()

    def last_words(self) -> str:
        """Return the last output line, for the one-line message about a failed start."""
        lines = [line for line in self._last_lines if line.strip()]
        return lines[-1][:400] if lines else said("it printed nothing")

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.returncode is None

    async def _run(self) -> int:
        running = await self._begin(self.process)
        self._running = running
        self._changed(self.name, running.pid)
        await self._copy_output(running)
        return await running.wait()

    async def _copy_output(self, running: Running) -> None:
        if running.stdout is None:
            return
        rest = b""
        while chunk := await running.stdout.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
        if rest:
            self._line(rest)

    def _line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        self._last_lines.append(text)
        self._console.line(self.name, text)


async def held(hold: Path, stopping: asyncio.Event) -> None:
    """Wait while a file prevents a program from starting on purpose (maintenance, fault tests)."""
    while hold.exists() and not stopping.is_set():  # noqa: ASYNC110, ASYNC240 -- another process makes and removes the file, one stat per 0.1 s
        await asyncio.sleep(0.1)


def _ending(code: int) -> str:
    if code >= 0:
        return said("exit {code}", code=code)
    try:
        return signal.Signals(-code).name
    except ValueError:
        return said("signal {number}", number=-code)


def is_stopped(pid: int) -> bool:
    """Return whether a signal or a debugger suspended the process, so that it exists but does nothing."""
    try:
        return psutil.Process(pid).status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
    except psutil.NoSuchProcess:
        return False


def kill_family(pid: int) -> None:
    """Kill a process and its children, whether suspended or not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (*parent.children(recursive=True), parent):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def is_running(pid: int) -> bool:
    """Return whether the process is running. Return False for a zombie that its parent has not reaped."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
