"""Two referrals workers as separate processes, which the drill kills, stops and restarts."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr
from referrals.settings import Settings
from stack.embedded.ports import free_port

from drills.told.outside import Outside, described

ROOT = Path(__file__).resolve().parents[2]
_WORKERS = 2
_STOP_SECONDS = 60


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which a process reads these settings."""
    found = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            found[f"RUTA_{name.upper()}"] = text
    return found


class Replicas:
    def __init__(self, settings: Settings, folder: Path, clock_file: Path, push_key: Path) -> None:
        self._own = environment(settings) | {
            "RUTA_CLOCK_FILE": str(clock_file),
            "RUTA_PUSH_KEY_FILE": str(push_key),
            "RUTA_PUSH_CONTACT": "mailto:im@ruta.example.org",
            "RUTA_MAIL_SENDER": "ruta@ruta.example.org",
            "RUTA_LOG_LEVEL": "WARNING",
        }
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    async def start(self, outside: Outside) -> None:
        """Replace dead workers until two are running."""
        while len(self.living()) < _WORKERS:
            number = len(self._started)
            gateway = self._folder / f"gateway-{number}.json"
            gateway.write_text(described(outside.http, number, checks=outside.checks))
            relay = f"smtp://127.0.0.1:{await outside.relay(number)}"
            self._start(number, {"RUTA_SMTP_URL": relay, "RUTA_SMS_GATEWAY_FILE": str(gateway)})

    def _start(self, number: int, its_own: dict[str, str]) -> None:
        more = {"RUTA_PORT": str(free_port()), **its_own}
        with (self._folder / f"worker-{number}.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "referrals", "worker"],
                cwd=ROOT,
                env={**os.environ, **self._own, **more},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.append(worker)

    def living(self) -> list[int]:
        return [number for number, each in enumerate(self._started) if each.poll() is None]

    def signal(self, number: int, how: signal.Signals) -> None:
        if self._started[number].poll() is None:
            self._started[number].send_signal(how)

    def kill(self, number: int) -> None:
        self.signal(number, signal.SIGKILL)

    async def stop(self) -> None:
        """Stop the workers as an operator does; each finishes its current messages."""
        for number in self.living():
            self.signal(number, signal.SIGTERM)
        for each in self._started:
            await asyncio.to_thread(each.wait, _STOP_SECONDS)

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
