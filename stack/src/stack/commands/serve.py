"""`serve postgres`, `serve nats`: one server in its own container (the `small` overlay); `serve backup`, `serve lists`
and `serve restore`: the backup of such a deployment, with its volumes mounted where an embedded stack stores the same
files."""

import fcntl
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from common import chained, clock

from stack.commands import backup as stored
from stack.embedded.arrows import OPERATOR, USERS
from stack.embedded.child import is_stopped, kill_family
from stack.embedded.layout import Layout
from stack.embedded.nats import NatsServer
from stack.embedded.postgres import SUPERUSER, PostgresServer
from stack.embedded.small import SmallDeployment
from stack.errors import StackError
from stack.operate import releases
from stack.operate.backup import lists
from stack.operate.cluster.documents import config_map, secret
from stack.operate.cluster.secrets import DATABASES, as_yaml
from stack.private_files import read_private_map, write_private, write_private_map
from stack.texts import said

_BROKEN_ANSWERS = 5
_STOPPED_SECONDS = 30
_PREDECESSOR_SECONDS = 120.0
_KEPT_BACKUPS = 14
_PUBLIC_KEYS = "ruta-internal-jwks"
_UNFINISHED = "restore-incomplete"
_LISTS = "lists"
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
Volumes = Annotated[Path, typer.Option(help="The folder with the deployment's volumes.")]
Backups = Annotated[Path, typer.Option(help="The folder that contains the backups.")]
Mounted = Annotated[Path, typer.Option(help="A folder with a folder for each Secret.")]
KeyFile = Annotated[Path, typer.Option(help="The file with the key of the backups.")]
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
        if (data / _UNFINISHED).exists():
            raise StackError.passed_on((data / _UNFINISHED).read_text().splitlines()[0])
        _take_over(data / "passwords.json", secrets, [SUPERUSER, *_roles()])
        server = PostgresServer(data, port=port, listen=listen)
        _close(server)
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


@app.command()
def backup(
    data: Volumes = Path("/ruta"),
    folder: Backups = Path("/backups"),
    secrets: Mounted = Path("/etc/ruta/secrets"),
    key_file: KeyFile = Path("/etc/ruta/backup/backup.key"),
    host: Annotated[str, typer.Option(help="The address of PostgreSQL.")] = "postgres",
    port: Port = 5432,
    keep: Annotated[int, typer.Option(help="How many backups stay.")] = _KEPT_BACKUPS,
) -> None:
    """Write an encrypted backup of a deployment into a folder named by its time; remove the oldest ones."""
    layout = Layout(data)
    small = _deployment(layout, secrets)
    small.hand_passwords_over()
    server = PostgresServer(layout.postgres, host=host, port=port)
    wanted = folder / f"{clock.now():%Y-%m-%dT%H%M%SZ}"
    made = folder / f".{wanted.name}"
    releases.record(layout)  # an older release refuses this backup at once
    try:
        stored.write(layout, server, made, stored.read_key(key_file))
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    made.rename(wanted)
    _say(f"the backup is complete: {wanted.name}")
    for old in sorted(path for path in folder.glob("2*") if path.is_dir())[:-keep]:
        shutil.rmtree(old)


@app.command(name="lists")
def copy_lists(data: Volumes = Path("/ruta"), folder: Backups = Path("/backups")) -> None:
    """Copy the lists of what must not come back next to the backups, for a restore on a new machine."""
    layout, place = Layout(data), folder / _LISTS
    place.mkdir(exist_ok=True)
    files = (layout.tombstones_file, layout.restrictions_file, *layout.rights_files)
    for why in chained.carry_all([*files, layout.anchor_file], [place]).values():
        raise StackError("the lists were not copied to {place}: {why}", place=place, why=why)


@app.command()
def restore(
    name: Annotated[str, typer.Argument(help="The backup's name, or `last`.")],
    data: Volumes = Path("/ruta"),
    folder: Backups = Path("/backups"),
    secrets: Mounted = Path("/etc/ruta/secrets"),
    key_file: KeyFile = Path("/etc/ruta/backup/backup.key"),
    without_lists: Annotated[str, typer.Option(help="As for `restore`.")] = "",
) -> None:
    """Restore a deployment's backup while its pods are stopped."""
    layout = Layout(data)
    names = sorted(path.name for path in folder.glob("2*"))
    if name not in ("last", *names) or not names:
        raise StackError(
            "there is no backup {name}; the backups are: {known}",
            name=name,
            known=", ".join(names) or said("none yet"),
        )
    _deployment(layout, secrets)
    with _alone_on(layout.postgres):
        _close(PostgresServer(layout.postgres))
        # stored on the volume, so that no server starts with files that an interrupted restore left there
        mark = layout.postgres / _UNFINISHED
        layout.restore_mark.symlink_to(mark)
        source = folder / (names[-1] if name == "last" else name)
        copies = [folder / _LISTS] if lists.any_in(layout, folder / _LISTS) else []
        stored.restore(source, key_file, data=data, tombstones=copies, without_lists=without_lists)
        mark.unlink()


def _deployment(layout: Layout, mounted: Path) -> SmallDeployment:
    """Write the mounted Secrets to their paths in a deployment's data directory. The backup key is not among them,
    because a backup must not contain its own key."""
    documents = [
        (config_map if folder.name == _PUBLIC_KEYS else secret)(
            folder.name,
            {
                file.name: file.read_text()
                for file in sorted(folder.iterdir())
                if not file.name.startswith("..")  # the kubelet's own links
            },
        )
        for folder in sorted(mounted.iterdir())
    ]
    write_private(layout.overlay_secrets_file, as_yaml(documents))
    return SmallDeployment(layout)


def _close(server: PostgresServer) -> None:
    """Remove the group's access to the server's folder. A kubelet that mounts a volume opens it to the pod's group, and
    PostgreSQL refuses such a folder."""
    if server.cluster.exists():
        server.cluster.chmod(0o700)


@contextmanager
def _alone_on(data: Path) -> Iterator[None]:
    """Hold the volume during the block. Raise StackError if another server holds it for two minutes.

    The successor of a deleted pod starts before that pod has ended, in its own process namespace. Neither PostgreSQL
    nor NATS sees the other server there, and the two servers would destroy the data.
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
    """Store the secret's passwords. The server applies them to its roles at each start."""
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
    """Return an event that SIGTERM and SIGINT set. Call this before the server starts, because an earlier signal would
    end this process and leave the server running."""
    told = threading.Event()
    for how in (signal.SIGTERM, signal.SIGINT):
        signal.signal(how, lambda *_: told.set())
    return told


def _until(told: threading.Event, server: PostgresServer | NatsServer) -> None:
    """Wait for the stop signal, then shut down cleanly. Exit 1 if the server ends by itself."""
    broken = stopped = 0
    while not told.wait(1.0):
        if server.process is None or server.process.poll() is not None:
            raise StackError(
                "the server stopped unexpectedly: see its log, next to the data directory"
            )
        # After a full disk, nats-server accepts nothing until it is restarted.
        broken = broken + 1 if isinstance(server, NatsServer) and server.is_broken() else 0
        stopped = stopped + 1 if is_stopped(server.process.pid) else 0
        if stopped >= _STOPPED_SECONDS:
            kill_family(server.process.pid)
            raise StackError("the server was stopped by a signal, so this container restarts")
        if broken >= _BROKEN_ANSWERS:
            server.stop()
            raise StackError("the server reports that it cannot write, so this container restarts")
    server.stop()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
