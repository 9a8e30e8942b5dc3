"""Keeps PostgreSQL and nats-server running: restarts a server that has ended or reports that it is broken."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from common.process.loops import pause

from stack.embedded.child import held, is_stopped, kill_family
from stack.embedded.nats import NatsServer
from stack.embedded.postgres import PostgresServer
from stack.embedded.terminal import Console
from stack.errors import StackError
from stack.texts import said

_LOOK_EVERY = 0.2
_FIRST_PAUSE = 0.3
_LONGEST_PAUSE = 15.0
_ASK_EVERY = 10  # the number of checks between two queries, so one query every two seconds
_BROKEN_ANSWERS = 3
_STOPPED_LOOKS = 15  # half a minute


class ServerWatch:
    """Keeps a server running. `changed` receives the process id of each (re)start. The `hold` file suspends
    restarts."""

    def __init__(
        self,
        name: str,
        server: PostgresServer | NatsServer,
        console: Console,
        changed: Callable[[str, int], None],
        hold: Path,
    ) -> None:
        self.name = name
        self.server = server
        self.stopped_looks = _STOPPED_LOOKS
        self._console = console
        self._changed = changed
        self._hold = hold
        self._stopping = asyncio.Event()
        self._looks = 0
        self._broken = 0
        self._stopped = 0

    async def start(self) -> None:
        await asyncio.to_thread(self.server.start)
        self._report()

    async def keep_running(self) -> None:
        seconds = _FIRST_PAUSE
        while not self._stopping.is_set():
            process = self.server.process
            if process is not None and process.poll() is None:
                await asyncio.sleep(_LOOK_EVERY)
                self._looks += 1
                if self._looks % _ASK_EVERY == 0:
                    self._kill_if_stopped(process.pid)
                    await self._end_if_broken()
                continue
            self._console.say(
                said(
                    "{name} stopped; it starts again in {seconds:.1f} s",
                    name=self.name,
                    seconds=seconds,
                )
            )
            await pause(self._stopping, seconds)
            await held(self._hold, self._stopping)
            if self._stopping.is_set():
                return
            try:
                await self.start()
                seconds = _FIRST_PAUSE
            except (StackError, OSError) as error:  # no file can be written on a full disk
                self._console.say(
                    said("{name} did not start: {error}", name=self.name, error=error)
                )
                seconds = min(seconds * 2, _LONGEST_PAUSE)

    def _kill_if_stopped(self, pid: int) -> None:
        """Kill a server that a signal suspended. Its process state decides, not a missing response, so that a slow
        server is left alone."""
        self._stopped = self._stopped + 1 if is_stopped(pid) else 0
        if self._stopped >= self.stopped_looks:
            self._stopped = 0
            self._console.say(said("{name} does not answer and is killed", name=self.name))
            kill_family(pid)

    async def _end_if_broken(self) -> None:
        """Stop a broken nats-server, because after a full disk it keeps running but accepts nothing until it is
        restarted. Only its own report counts, and only after several reports. A slow or suspended server reports
        nothing."""
        if not isinstance(self.server, NatsServer):
            return
        self._broken = self._broken + 1 if await asyncio.to_thread(self.server.is_broken) else 0
        if self._broken >= _BROKEN_ANSWERS:
            self._broken = 0
            self._console.say(said("{name} reports that it can no longer write", name=self.name))
            await asyncio.to_thread(self.server.stop)

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.to_thread(self.server.stop)

    def _report(self) -> None:
        if self.server.process is not None:
            self._changed(self.name, self.server.process.pid)
