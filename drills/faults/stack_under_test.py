"""The running stack as the faults need it: processes, servers, clock and metrics."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import nats
import psutil
from nats.js import JetStreamContext
from prometheus_client.parser import text_string_to_metric_families
from stack.embedded.arrows import OPERATOR
from stack.embedded.layout import Layout, StackState
from stack.embedded.lock import holder
from stack.embedded.nats import stored_credentials
from stack.operate.service_commands import attached_postgres
from stack.private_files import read_private_map

from drills.faults.record import UNREACHABLE, Databases

_UP_SECONDS = 180
_LOOKS_BEFORE_DOWN = 5
# A busy machine may multiply every waiting time by this factor.
PATIENCE = float(os.environ.get("RUTA_FAULTS_PATIENCE", "1"))
_ROOT = Path(__file__).resolve().parents[2]


class StackUnderTest:
    """A stack. `up` starts it with the given proxies between its parts. It ends processes only by id."""

    def __init__(self, data: Path) -> None:
        self.layout = Layout(data)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> StackState:
        state = StackState.read(self.layout)
        if state is None:
            raise RuntimeError(f"no stack runs on {self.layout.root}")
        return state

    @property
    def databases(self) -> Databases:
        return Databases(attached_postgres(self.layout, self.state))

    async def up(
        self,
        *,
        replicas: int = 2,
        through: dict[str, dict[str, int]] | None = None,
        extra: dict[str, str] | None = None,
        extra_of: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.layout.root.mkdir(parents=True, exist_ok=True)
        choices = {
            "data": str(self.layout.root),
            "replicas": replicas,
            "through": through or {},
            "extra": {
                "RUTA_RATE_PER_CLIENT": "1000000/minute",
                "RUTA_RATE_SIGN_IN": "100000/minute",
                **(extra or {}),
            },
            "extra_of": extra_of or {},
        }
        file = self.layout.root.with_suffix(".choices.json")
        file.write_text(json.dumps(choices))
        with self.layout.root.with_suffix(".out").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drills.faults.serve", str(file)],
                cwd=_ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment(),
            )
        await until(self._is_ready, _UP_SECONDS, "the stack is ready")

    @property
    def next_release(self) -> Path:
        """Return the folder where every process of the stack looks for packages first; it is empty before an
        upgrade."""
        return self.layout.root.with_name(self.layout.root.name + "-next")

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RUTA_HOME": str(_ROOT),
            "RUTA_LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(self.next_release),
        }

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            words = self.layout.root.with_suffix(".out").read_text(errors="replace")[-1500:]
            raise RuntimeError(f"the stack did not start: {words}")
        state = StackState.read(self.layout)
        return state is not None and state.ready and state.pid == holder(self.layout)

    async def down(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 120)
        self._process = None

    def secrets(self) -> dict[str, str]:
        return read_private_map(self.layout.clients_file)

    # -- processes ---------------------------------------------------------------------------

    def signal(self, name: str, how: signal.Signals) -> int:
        """Send a signal to a process of the stack. Return its id, or 0 if it does not exist now."""
        pid = self.state.processes.get(name, 0)
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return 0
        return pid

    def kill(self, name: str) -> int:
        return self.signal(name, signal.SIGKILL)

    def whole(self) -> bool:
        """Return whether every process in the state file exists."""
        return all(map(psutil.pid_exists, self.state.processes.values()))

    def processor_seconds(self) -> dict[str, float]:
        """Return each process's processor time so far (including its children), and ours."""
        found = {}
        for name, pid in {**self.state.processes, "harness": os.getpid()}.items():
            try:
                process = psutil.Process(pid)
                family = [process, *process.children(recursive=True)]
                if name == "harness":
                    family = [process]
                found[name] = sum(
                    sum(each.cpu_times()[:4]) if each is process else sum(each.cpu_times()[:2])
                    for each in family
                )
            except psutil.Error:
                continue
        return found

    def names(self, service: str) -> list[str]:
        """Return the names of a service's replicas."""
        return sorted(
            name
            for name in self.state.processes
            if name == service or (name.startswith(f"{service}-") and name[-1].isdigit())
        )

    def hold(self, name: str) -> None:
        self.layout.hold_file(name).touch()

    async def hold_down(self, name: str) -> None:
        """Keep the process down until `release`, even if it is starting or not yet in the state file."""
        self.hold(name)
        looks = 0
        while looks < _LOOKS_BEFORE_DOWN:
            down = self.kill(name) == 0 and not await self._listens(name)
            looks = looks + 1 if down else 0
            await asyncio.sleep(0.2)

    async def _listens(self, name: str) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.state.ports[name])
        except OSError:
            return False
        writer.close()
        return True

    def release(self, name: str) -> None:
        self.layout.hold_file(name).unlink(missing_ok=True)

    def name_of_pid(self, pid: int) -> str | None:
        return next((n for n, p in self.state.processes.items() if p == pid), None)

    def at_port(self, port: int) -> str | None:
        """Return the stack's process that owns the local end `port` of a connection."""
        for name, pid in self.state.processes.items():
            try:
                ends = psutil.Process(pid).net_connections("tcp")
            except psutil.Error:
                continue
            if any(end.laddr and end.laddr.port == port for end in ends):
                return name
        return None

    # -- what it reports -----------------------------------------------------------------------

    async def ask(self, name: str, path: str, seconds: float = 3.0) -> tuple[int, str]:
        """Send GET to the process's own port; return (0, "") if there is no response."""
        url = f"http://127.0.0.1:{self.state.ports[name]}{path}"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session,
                session.get(url) as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, ""

    async def metric(self, name: str, metric: str, **labels: str) -> float:
        """Return the sum of a metric's samples in one process."""
        _, text = await self.ask(name, "/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == metric
            and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    async def ready_word(self, name: str) -> str:
        status, text = await self.ask(name, "/readyz")
        return str(json.loads(text).get("status", "")) if status else "silent"

    # -- the bus and the clock ----------------------------------------------------------------

    async def bus(self) -> tuple[Any, JetStreamContext]:
        """Return an operator's connection; the caller closes it."""
        password = stored_credentials(self.layout.broker_credentials_file)[OPERATOR]
        client = await nats.connect(
            f"nats://127.0.0.1:{self.state.ports['nats']}",
            user=OPERATOR,
            password=password,
            inbox_prefix=f"_INBOX.{OPERATOR}".encode(),
            connect_timeout=5,
            max_reconnect_attempts=2,
        )
        return client, client.jetstream(timeout=5)

    def step_clock(self, seconds: float) -> None:
        """Advance the clock of all services by this many seconds."""
        file = self.layout.clock_file
        now = float(file.read_text() or 0) if file.exists() else 0.0
        aside = file.with_suffix(".new")
        aside.write_text(str(now + seconds))
        aside.replace(file)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `./ruta …` on this stack."""
        return subprocess.run(
            [sys.executable, "-m", "stack", *arguments, "--data", str(self.layout.root)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=self._environment(),
        )

    async def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(self.command, *arguments)

    def remove(self) -> None:
        shutil.rmtree(self.layout.root, ignore_errors=True)


async def until(holds: Callable[[], Any], seconds: float, what: str) -> float:
    """Wait until the condition (a plain or an async function) is true; return the seconds."""
    seconds *= PATIENCE
    began = time.monotonic()
    while True:
        try:
            answer = holds()
            if asyncio.iscoroutine(answer):
                answer = await answer
        except UNREACHABLE:  # If a process is unreachable, the condition is not true yet.
            answer = False
        if answer:
            return time.monotonic() - began
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        await asyncio.sleep(0.1)
