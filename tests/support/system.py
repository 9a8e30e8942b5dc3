"""The whole stack as real processes in its own folder, driven as an operator would drive it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from stack.embedded.connection import RunningStack
from stack.embedded.layout import Layout, StackState
from stack.private_files import read_private_map

from tests.support.patience import PATIENCE


def let_through(ask: Callable[..., httpx.Response], *question: Any, **more: Any) -> httpx.Response:
    """Return the response to `ask(*question, **more)` once the rate limit allows it. Callers without a token share one
    limit (`RUTA_RATE_ANONYMOUS`), which earlier tests also use. So wait as long as a refusal says, then send the
    request again."""
    while (answer := ask(*question, **more)).status_code == 429:
        time.sleep(float(answer.headers["Retry-After"]))
    return answer


class System:
    """`up` and `down` run the commands; `running` calls the gateway of the last `up`."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.layout = Layout(data)
        self._environment = {**os.environ, **environment}
        self._running: RunningStack | None = None

    def ruta(
        self, *arguments: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `./ruta` on this data directory and return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "stack", *arguments, "--data", str(self.layout.root)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            env=self._environment | environment,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"ruta {' '.join(arguments)}: {done.stderr}{self._last_log_lines()}"
            )
        return done

    def up(self, *options: str) -> None:
        self.ruta("up", "--detach", "--port", "0", *options)
        self.close()

    def down(self) -> None:
        self.close()
        self.ruta("down")

    @property
    def running(self) -> RunningStack:
        if self._running is None:
            self._running = RunningStack(self.state.url, self.layout)
        return self._running

    @property
    def state(self) -> StackState:
        state = StackState.read(self.layout)
        assert state is not None, "the stack does not run"
        return state

    def public(self, path: str) -> Any:
        """Return the public JSON at a path."""
        answer = let_through(self.running.request, None, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def description(self) -> dict[str, Any]:
        """Return `/openapi.json`. On a busy machine a new service may describe itself later than the front waits, and
        the front returns 503 until then."""
        found: list[dict[str, Any]] = []

        def whole() -> bool:
            answer = self.running.http.get("/openapi.json")
            found[:] = [answer.json()] if answer.status_code == 200 else []
            return bool(found)

        until(whole, "the description of every service")
        return found[0]

    def caller(self, name: str | None, accept: str = "*/*") -> httpx.Client:
        """Return a client that sends each request with a valid token, because many requests can outlast one token. With
        None it is anonymous."""

        def signed(request: httpx.Request) -> httpx.Request:
            if name is not None:
                request.headers["Authorization"] = f"Bearer {self.running.token(name)}"
            return request

        return httpx.Client(
            base_url=self.running.url, headers={"Accept": accept}, auth=signed, timeout=PATIENCE
        )

    def close(self) -> None:
        if self._running is not None:
            self._running.http.close()
            self._running = None

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process of the stack and return its process id."""
        pid = self.state.processes[name]
        os.kill(pid, how)
        return pid

    def measured(self, name: str) -> str:
        """Return a process's Prometheus metrics; the front's require its key."""
        key = read_private_map(self.layout.secrets_file)["metrics_key"]
        answer = httpx.get(
            f"http://127.0.0.1:{self.state.ports[name]}/metrics",
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.text

    def hold(self, name: str) -> None:
        """From now on, do not restart the process when it ends."""
        self.layout.hold_file(name).touch()

    def release(self, name: str) -> None:
        self.layout.hold_file(name).unlink(missing_ok=True)

    def restarted(self, name: str, former: int) -> bool:
        """Wait until the process is ready again and the front, which had marked it as down, forwards requests again."""
        return (
            self.state.processes[name] != former
            and self.ruta("status", check=False).returncode == 0
            and set(self.public("/readyz")["circuits"].values()) == {"closed"}
        )

    def _last_log_lines(self) -> str:
        if not self.layout.log_file.exists():
            return ""
        lines = self.layout.log_file.read_text(errors="replace").splitlines()[-30:]
        return "\n" + "\n".join(lines)


def until(holds: Callable[[], bool], what: str) -> None:
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > PATIENCE:
            raise AssertionError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.2)


def processes_on(data: Path) -> list[int]:
    """Return the processes whose command lines still name the data directory."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(data).encode() in command and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
