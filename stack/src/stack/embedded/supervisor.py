"""Starts the whole stack in order, keeps it running, and stops it in reverse order."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path

from stack.embedded.child import Child, Running, begun
from stack.embedded.fork_server import ForkServer
from stack.embedded.layout import Layout, StackState
from stack.embedded.nats import NatsServer, stored_credentials
from stack.embedded.plan import Choices, Plan, Planner, Process, key_files, passed_on
from stack.embedded.ports import status_of
from stack.embedded.postgres import PostgresServer
from stack.embedded.server_watch import ServerWatch
from stack.embedded.terminal import Console
from stack.errors import StackError
from stack.texts import said

_READY_SECONDS = 120
_WRITE_AGAIN_SECONDS = 1.0
_GRACE_SECONDS = 25
# Like the pods' probes: a process is replaced after half a minute of silence, or two minutes while it starts.
_ASK_SECONDS, _ASK_TIMES, _START_TIMES, _ANSWER_SECONDS = 5.0, 6, 24, 3.0
# Without this, glibc keeps large freed blocks for each thread, such as the 19 MiB of each password check.
_GIVEN_BACK = {
    "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024 * 1024),
}

Work = Coroutine[None, None, None]
WhenReady = Callable[[StackState], Awaitable[None]]


class Supervisor:
    """Runs the stack. `when_ready` runs once everything responds. `beside` runs from the start of the databases until
    the stack stops."""

    def __init__(
        self,
        layout: Layout,
        choices: Choices,
        console: Console,
        when_ready: WhenReady,
        beside: Callable[[], Work] | None = None,
    ) -> None:
        self._layout = layout
        self._choices = choices
        self._console = console
        self._when_ready = when_ready
        self._beside = beside
        self._stop = asyncio.Event()
        self._children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []
        # With the clock file, the next start recognises processes that this one left behind.
        seen = {
            **_GIVEN_BACK,
            "PYTHONUNBUFFERED": "1",
            "RUTA_CLOCK_FILE": str(layout.clock_file),
        }
        self._fork_server = ForkServer(passed_on() | seen)
        self._postgres = PostgresServer(layout.postgres, spool=layout.archive_spool)
        self._broker = NatsServer(layout.nats, stored_credentials(layout.broker_credentials_file))
        self._watches = [
            ServerWatch("postgres", self._postgres, console, self._changed, self._hold("postgres")),
            ServerWatch("nats", self._broker, console, self._changed, self._hold("nats")),
        ]
        self._state = StackState(
            pid=os.getpid(),
            started=time.time(),
            url=choices.public_url,
            port=choices.port,
            ready=False,
            processes={},
            ports={},
        )

    async def run(self) -> None:
        """Run until a signal arrives, then stop cleanly. Raise StackError if startup fails."""
        self._listen_to_signals()
        stopping = asyncio.create_task(self._stop.wait())
        working = asyncio.create_task(self._start())
        try:
            # A signal during startup also ends it.
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                await stopping
            else:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working
        finally:
            stopping.cancel()
            await self._shut_down()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked_to_stop, number)

    def _asked_to_stop(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            self._console.say(
                said(
                    "Ruta is already stopping; the services still have time to finish their requests"
                )
            )
            return
        self._console.say(said("stopping ({name})", name=signal.Signals(number).name))
        self._stop.set()

    async def _start(self) -> None:
        # The fork server imports modules on another core while the servers start and the databases are created.
        await self._fork_server.warm_up()
        for watch in self._watches:
            self._console.say(said("starting {name}", name=watch.name))
            await watch.start()
            self._keep(watch.keep_running())
        self._state.ports |= {
            watch.name: watch.server.port for watch in self._watches if watch.server.port
        }
        if self._beside is not None:
            self._keep(self._beside())
        # The plan refuses to run with lost keys, so it comes before the program that creates missing ones.
        plan = await asyncio.to_thread(self._plan)
        await self._run_once([key_files(self._layout)])
        self._console.say(said("migrating databases"))
        await self._run_once(plan.migrations)
        await asyncio.gather(*(self._serve(process) for process in plan.services))
        await self._serve(plan.front)
        await self._when_ready(self._state)
        self._state.ready = True
        self._state.write(self._layout)

    def _plan(self) -> Plan:
        return Planner(self._layout, self._choices, self._postgres, self._broker).plan()

    async def _run_once(self, processes: Sequence[Process]) -> None:
        children = [self._child(process) for process in processes]
        await asyncio.gather(*(child.run_once() for child in children))
        for child in children:
            self._state.processes.pop(child.name, None)
            self._children.remove(child)

    async def _serve(self, process: Process) -> None:
        """Start a process and return once it is ready. Raise StackError if it crashes before that."""
        child, port = self._child(process), process.port
        if port is None:
            raise StackError("{name} has no port on which to check it", name=process.name)
        self._state.ports[process.name] = port
        self._keep(child.keep_running())
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if child.restarts:
                raise StackError(
                    "{name} did not start: {words}", name=process.name, words=child.last_words()
                )
            if await asyncio.to_thread(status_of, port, "/readyz", 5) == 200:
                self._console.say(said("{name} is ready", name=process.name))
                status = partial(status_of, port, "/healthz", _ANSWER_SECONDS)
                self._keep(child.end_if_silent(status, _ASK_SECONDS, _ASK_TIMES, _START_TIMES))
                return
            await asyncio.sleep(0.1)
        raise StackError(
            "{name} was not ready within {seconds} s", name=process.name, seconds=_READY_SECONDS
        )

    def _child(self, process: Process) -> Child:
        child = Child(process, self._console, self._changed, self._hold(process.name), self._begin)
        self._children.append(child)
        return child

    async def _begin(self, process: Process) -> Running:
        if self._fork_server.can_begin(process):
            return await self._fork_server.begin(process)
        return await begun(process)

    def _hold(self, name: str) -> Path:
        return self._layout.hold_file(name)

    def _keep(self, work: Work) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _changed(self, name: str, pid: int) -> None:
        self._state.processes[name] = pid
        try:
            self._state.write(self._layout)
        except OSError as error:  # a full disk must not end the task that keeps a program running
            self._console.say(said("the state file could not be written: {error}", error=error))
            self._keep(self._write_later())

    async def _write_later(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_AGAIN_SECONDS)
            with contextlib.suppress(OSError):
                self._state.write(self._layout)
                return

    async def _shut_down(self) -> None:
        """Stop the gateway first, then the services, then the servers."""
        front = [child for child in self._children if child.name == "gateway"]
        others = [child for child in self._children if child.name != "gateway"]
        for group in (front, others):
            await asyncio.gather(*(child.stop(_GRACE_SECONDS) for child in group))
        await self._fork_server.stop()
        for watch in reversed(self._watches):
            await watch.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._layout.state_file.unlink(missing_ok=True)
        self._console.say(said("stopped"))
