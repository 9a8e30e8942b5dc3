"""A whole gateway as real processes on free ports: front, issuer with its database, and witnesses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from common.db.migrations.runner import migrate_now
from gateway.keys import ensure_internal_keys
from stack.embedded.ports import free_port, free_ports
from stack.embedded.postgres import PostgresServer

from tests.support.databases import random_key
from tests.support.patience import PATIENCE
from tests.support.principals import CLIENTS, claims_of

ROOT = Path(__file__).resolve().parents[2]
METRICS_KEY = random_key()
MEASURING = {"Authorization": f"Bearer {METRICS_KEY}"}
SERVICES = ("directory", "referrals", "reporting", "console")


def secret_of(client: str) -> str:
    return f"the-secret-of-{client}"


@dataclass
class Process:
    """A child process, which tests stop by its own id."""

    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, *self.arguments],
                env={**os.environ, **self.environment},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.running is None:
            return
        self.running.send_signal(how)
        try:
            self.running.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait(timeout=PATIENCE)
        self.running = None


@dataclass
class Gateway:
    """A running gateway. `url` is the front's address at `host`; `witnesses` maps each service to the address of its
    witness."""

    folder: Path
    port: int
    issuer_port: int
    witnesses: dict[str, str]
    host: str = "127.0.0.1"
    processes: dict[str, Process] = field(default_factory=dict)
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE)

    def token(self, client: str = "ngo-refugio") -> str:
        """Return a token with at least half of its lifetime left, because a test run on a busy machine outlives a
        token."""
        token, until = self._tokens.get(client, ("", 0.0))
        if time.monotonic() >= until:
            answer = httpx.post(
                f"{self.url}/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(client, secret_of(client)),
            ).json()
            token = str(answer["access_token"])
            self._tokens[client] = token, time.monotonic() + answer["expires_in"] / 2
        return token

    def bearer(self, client: str = "ngo-refugio") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(client)}"}

    def counts(self, service: str = "directory") -> dict[str, int]:
        found: dict[str, int] = httpx.get(f"{self.witnesses[service]}/counts").json()
        return found

    def log_of(self, process: str) -> str:
        return self.processes[process].log.read_text()

    def wait_until_ready(self) -> None:
        wait_for(f"{self.url}/readyz", self.processes["front"])


def wait_for(url: str, process: Process, seconds: float = PATIENCE) -> None:
    """Wait until `url` returns 200; if it fails, show the process's log."""
    deadline = time.monotonic() + seconds
    with httpx.Client(timeout=20, trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                if http.get(url).status_code == 200 and _is_its(process, url):
                    return
            except httpx.HTTPError:
                pass
            if process.running is not None and process.running.poll() is not None:
                break
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer 200\n{process.log.read_text()[-4000:]}")


def _is_its(process: Process, url: str) -> bool:
    """Return whether this process is the one that listens on the port. Tests choose ports before binding them, so
    parallel tests may choose the same port and reach each other's process."""
    listening = psutil.Process(process.pid).net_connections()
    return any(
        c.status == psutil.CONN_LISTEN and c.laddr.port == urlsplit(url).port for c in listening
    )


@contextmanager
def running_gateway(
    postgres: PostgresServer,
    folder: Path,
    *,
    database: str,
    host: str = "127.0.0.1",
    issuer: Mapping[str, str] | None = None,
    **front: str,
) -> Iterator[Gateway]:
    """Start everything, yield it, then stop everything. `front` and `issuer` add settings for these processes."""
    names = (*SERVICES, "issuer", "front")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    gateway = Gateway(
        folder,
        ports["front"],
        ports["issuer"],
        {name: f"http://127.0.0.1:{ports[name]}" for name in SERVICES},
        host,
    )
    pem, jwks = folder / "internal.pem", folder / "internal-jwks.json"
    ensure_internal_keys(pem, jwks)
    for name in SERVICES:
        gateway.processes[name] = _witness(folder, jwks, name, ports[name])
    gateway.processes["issuer"] = _issuer(postgres, folder, jwks, gateway, database)
    extra = {f"RUTA_{name.upper()}": value for name, value in (issuer or {}).items()}
    gateway.processes["issuer"].environment = {**gateway.processes["issuer"].environment, **extra}
    gateway.processes["front"] = _front(folder, pem, gateway, front)
    try:
        for process in gateway.processes.values():
            process.start()
        wait_for(f"http://127.0.0.1:{ports['issuer']}/readyz", gateway.processes["issuer"])
        for name in SERVICES:
            wait_for(f"{gateway.witnesses[name]}/healthz", gateway.processes[name])
        gateway.wait_until_ready()
        yield gateway
    finally:
        for process in reversed(gateway.processes.values()):
            process.stop()


@contextmanager
def another_front(
    gateway: Gateway, *, ready: bool = True, **settings: str | None
) -> Iterator[Gateway]:
    """Start a second front for the same services. A setting of None is removed. With `ready`, wait until the front is
    ready."""
    port = int(settings.get("port") or free_port())
    other = Gateway(gateway.folder, port, gateway.issuer_port, gateway.witnesses)
    environment = {
        **gateway.processes["front"].environment,
        "RUTA_PORT": str(port),
        **{f"RUTA_{name.upper()}": value for name, value in settings.items() if value},
    }
    for name, value in settings.items():
        if value is None:
            environment.pop(f"RUTA_{name.upper()}", None)
    log = gateway.folder / f"front-{port}.log"
    other.processes["front"] = Process(["-m", "gateway", "front"], environment, log)
    other.processes["front"].start()
    try:
        if ready:
            other.wait_until_ready()
        yield other
    finally:
        other.processes["front"].stop()


def _witness(folder: Path, jwks: Path, name: str, port: int) -> Process:
    arguments = ["-m", "uvicorn", "tests.gateway.witness:app", "--host", "127.0.0.1"]
    arguments += ["--port", str(port), "--log-level", "warning", "--loop", "uvloop"]
    environment = {"RUTA_INTERNAL_JWKS_FILE": str(jwks), "WITNESS_AUDIENCE": f"ruta-{name}"}
    return Process(arguments, environment, folder / f"{name}.log")


def _issuer(
    postgres: PostgresServer, folder: Path, jwks: Path, gateway: Gateway, database: str
) -> Process:
    made = postgres.create_service_database(database)
    migrate_now("gateway.issuer", made.owner_url, made.app_role)
    clients = folder / "clients.json"
    clients.write_text(json.dumps(bootstrap_list()))
    environment = {
        "RUTA_ENVIRONMENT": "embedded",
        "RUTA_PORT": str(gateway.issuer_port),
        "RUTA_PUBLIC_URL": gateway.url,
        "RUTA_TOKEN_ISSUER_URL": gateway.url,
        "RUTA_DATABASE_URL": made.app_url,
        "RUTA_DATABASE_ROLE": made.app_role,
        "RUTA_INTERNAL_JWKS_FILE": str(jwks),
        "RUTA_STORED_RESULT_KEY": random_key(),
        "RUTA_SIGNING_KEYS_DIR": str(folder / "signing"),
        "RUTA_BOOTSTRAP_CLIENTS_FILE": str(clients),
    }
    return Process(["-m", "gateway", "issuer"], environment, folder / "issuer.log")


def bootstrap_list() -> list[dict[str, object]]:
    return [
        {
            "client_id": client,
            "secret": secret_of(client),
            "organisation_id": claims["org"],
            "organisation_name": f"Organisation of {client}",
            "roles": claims["roles"],
            "scopes": str(claims["scope"]).split(),
            "aors": claims["aors"],
            "areas": [],
        }
        for client in CLIENTS
        if (claims := claims_of(client))
    ]


def _front(folder: Path, pem: Path, gateway: Gateway, settings: Mapping[str, str]) -> Process:
    environment = {
        "RUTA_ENVIRONMENT": "embedded",
        "RUTA_PORT": str(gateway.port),
        "RUTA_PUBLIC_URL": gateway.url,
        "RUTA_TOKEN_ISSUER_URL": gateway.url,
        "RUTA_ISSUER_URL": f"http://127.0.0.1:{gateway.issuer_port}",
        **{f"RUTA_{name.upper()}_URL": url for name, url in gateway.witnesses.items()},
        "RUTA_INTERNAL_SIGNING_KEY_FILE": str(pem),
        "RUTA_SESSION_KEY": random_key(),
        "RUTA_METRICS_KEY": METRICS_KEY,
        "RUTA_REVOCATIONS_SECONDS": "1",
        "RUTA_RATE_ANONYMOUS": "1000000/minute",
        "RUTA_RATE_SIGN_IN": "1000000/minute",
        "RUTA_RATE_PER_CLIENT": "1000000/minute",
        **{f"RUTA_{name.upper()}": value for name, value in settings.items()},
    }
    return Process(["-m", "gateway", "front"], environment, folder / "front.log")
