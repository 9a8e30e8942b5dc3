"""`serve postgres`, `serve nats`: one server in its own container (the `small` overlay)."""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from stack.embedded.arrows import OPERATOR, USERS
from stack.embedded.nats import NatsServer
from stack.embedded.postgres import SUPERUSER, PostgresServer
from stack.errors import StackError
from stack.operate.cluster.secrets import DATABASES
from stack.private_files import read_private_map, write_private_map

_BROKEN_ANSWERS = 5
_PREDECESSOR_SECONDS = 120.0
app = typer.Typer(name="serve", help="Run one server in its own container.", hidden=True)

Data = Annotated[Path, typer.Option(help="The folder in which the server keeps its data.")]
Port = Annotated[int, typer.Option(help="The port on which the server listens.")]
Listen = Annotated[
    str, typer.Option(help="The address: 127.0.0.1 if all servers share one loopback.")
]
File = Annotated[
    Path | None,
    typer.Option(help="PEM file. With a certificate and a key, the server accepts only TLS."),
]
Secrets = Annotated[Path, typer.Option(help="A folder with one file for each password.")]


@app.command()
def postgres(
    data: Data = Path("/data"),
    port: Port = 5432,
    secrets: Secrets = Path("/etc/ruta/postgres"),
    listen: Listen = "*",
) -> None:
    """Run PostgreSQL with the five databases; the passwords come from the mounted secret."""
    told = _told()
    with _alone_on(data):
        _take_over(data / "passwords.json", secrets, [SUPERUSER, *_roles()])
        server = PostgresServer(data, port=port, listen=listen)
        if server.cluster.exists():
            # A kubelet opens each volume to the pod's group at its mount, and PostgreSQL refuses such a folder.
            server.cluster.chmod(0o700)
        server.start()
        for name in DATABASES:
            server.create_service_database(name)
        _say(f"PostgreSQL answers on port {port}")
        _until(told, server)


@app.command()
def nats(
    data: Data = Path("/data"),
    port: Port = 4222,
    listen: Listen = "0.0.0.0",  # noqa: S104 - in its container
    certificate: File = None,
    key: File = None,
) -> None:
    """Run NATS with its streams and consumers; the passwords come from NATS_<USER>_PASSWORD."""
    names = [*USERS, OPERATOR]
    try:
        credentials = {name: os.environ[f"NATS_{name.upper()}_PASSWORD"] for name in names}
    except KeyError as error:
        raise StackError(
            "{variable} is missing (Secret ruta-nats)", variable=error.args[0]
        ) from None
    shown = (certificate, key) if certificate and key else None
    told = _told()
    with _alone_on(data):
        server = NatsServer(data, credentials, port=port, listen=listen, certificate=shown)
        server.start()
        _say(f"NATS answers on port {port}")
        _until(told, server)


@contextmanager
def _alone_on(data: Path) -> Iterator[None]:
    """Hold the volume during the block. Raises StackError if another server keeps it for two minutes.

    The successor of a deleted pod starts beside it, in its own process namespace, where neither PostgreSQL nor NATS
    sees the other server: together they would destroy the data.
    """
    data.mkdir(parents=True, exist_ok=True)
    began: float | None = None
    with (data / ".in-use").open("w") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if began is None:
                    began = time.monotonic()
                    _say(f"another server still uses {data}: waiting until it has ended")
                if time.monotonic() - began > _PREDECESSOR_SECONDS:
                    raise StackError(
                        "another server still uses {folder}: end its pod", folder=data
                    ) from None
                time.sleep(0.2)
        yield


def _roles() -> list[str]:
    return [f"{name}_{kind}" for name in DATABASES for kind in ("owner", "app")]


def _take_over(kept: Path, secrets: Path, names: list[str]) -> None:
    """Store the secret's passwords; the server applies them to its roles at each start."""
    passwords = read_private_map(kept)
    for name in names:
        file = secrets / ("superuser" if name == SUPERUSER else name)
        if not file.exists():
            raise StackError(
                "there is no password for {name}: {file} is missing (Secret ruta-postgres)",
                name=name,
                file=file,
            )
        passwords[name] = file.read_text().strip()
    write_private_map(kept, passwords)


def _told() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set. Asked for before the server starts: one that arrived in between
    would end this process and leave the server running."""
    told = threading.Event()
    for how in (signal.SIGTERM, signal.SIGINT):
        signal.signal(how, lambda *_: told.set())
    return told


def _until(told: threading.Event, server: PostgresServer | NatsServer) -> None:
    """Wait until told, then stop cleanly. Exit 1 if the server ends by itself."""
    broken = 0
    while not told.wait(1.0):
        if server.process is None or server.process.poll() is not None:
            raise StackError(
                "the server stopped unexpectedly: see its log, next to the data directory"
            )
        # After a full disk, nats-server accepts nothing until it is restarted.
        broken = broken + 1 if isinstance(server, NatsServer) and server.is_broken() else 0
        if broken >= _BROKEN_ANSWERS:
            server.stop()
            raise StackError("the server reports that it cannot write, so this container restarts")
    server.stop()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
