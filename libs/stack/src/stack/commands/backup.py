"""`backup` and `restore` of the embedded stack."""

import base64
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from common.crypto import key_from_base64, new_key
from rich.console import Console

from stack.backup import contents
from stack.backup.contents import DATA_ARCHIVE, DATA_DATABASES, KEY_DATABASES, KEYS_ARCHIVE
from stack.backup.quiet import quiet
from stack.backup.sealed_archive import read_archive, write_archive
from stack.commands.options import Data
from stack.errors import StackError
from stack.exclusive import check_room, exclusive
from stack.layout import DEFAULT_PORT, Layout
from stack.nats import NatsServer, stored_credentials
from stack.plan import Choices, Planner
from stack.postgres import PostgresServer
from stack.private_files import write_private
from stack.running import running_state
from stack.service_commands import attached_postgres

app = typer.Typer()
_terminal = Console(highlight=False, soft_wrap=True)
_NO_BROKER = 1  # nothing of a restore talks to the event bus
KeyFile = Annotated[
    Path, typer.Option("--key-file", help="32 bytes in base64; backup makes it if it is missing")
]


@app.command()
def backup(folder: Path, key_file: KeyFile, data: Data = None) -> None:
    """Write data.ruta and keys.ruta into FOLDER: sealed, read back, consistent with each other.

    Keep keys.ruta and the key file elsewhere than data.ruta.
    """
    layout = Layout.of(data)
    state = running_state(layout)
    if state is None:
        raise StackError(f"no stack runs on {layout.root}: ./ruta up starts one")
    key = _key(key_file, make=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = attached_postgres(layout, state)
    with tempfile.TemporaryDirectory(dir=folder) as work, quiet(layout, state):
        plain, keys = Path(work) / "data", Path(work) / "keys"
        plain.mkdir()
        keys.mkdir()
        contents.dump(server, DATA_DATABASES, plain)
        contents.dump(server, KEY_DATABASES, keys)
        contents.copy_keys(layout, keys)
        write_archive(plain, folder / DATA_ARCHIVE, key, "data")
        write_archive(keys, folder / KEYS_ARCHIVE, key, "keys")
    _terminal.print(
        f"backup written and verified: {folder / DATA_ARCHIVE}, {folder / KEYS_ARCHIVE}"
    )


@app.command()
def restore(folder: Path, key_file: KeyFile, data: Data = None) -> None:
    """Put a backup into a data directory on which no stack runs.

    A key store that is there stays: what was erased since the backup stays unreadable. Only an
    empty data directory takes the key store of keys.ruta.
    """
    layout = Layout.of(data)
    key = _key(key_file, make=False)
    with exclusive(layout), tempfile.TemporaryDirectory(dir=layout.root) as work:
        check_room(layout)
        fresh = not (layout.postgres / "cluster" / "PG_VERSION").exists()
        plain, keys = Path(work) / "data", Path(work) / "keys"
        read_archive(folder / DATA_ARCHIVE, plain, key, "data")
        if fresh:
            read_archive(folder / KEYS_ARCHIVE, keys, key, "keys")
            contents.put_keys(layout, keys)
        server = PostgresServer(layout.postgres)
        server.start()
        try:
            if fresh:
                contents.load(server, KEY_DATABASES, keys)
            contents.load(server, DATA_DATABASES, plain)
            contents.forget_event_store(layout, server)
            _erase_again(layout, server)
        finally:
            server.stop()
    kept = "taken from the backup" if fresh else "kept as it was"
    _terminal.print(f"restored into {layout.root}; key store {kept}. Next: ./ruta up")


def _erase_again(layout: Layout, server: PostgresServer) -> None:
    """Who was erased after the backup was taken is erased in what it brought back."""
    broker = NatsServer(
        layout.nats, stored_credentials(layout.broker_credentials_file), port=_NO_BROKER
    )
    planner = Planner(layout, Choices(port=DEFAULT_PORT), server, broker)
    done = subprocess.run(
        [sys.executable, "-m", "referrals", "apply-tombstones"],
        env=planner.environment("referrals"),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise StackError(f"erasing again failed: {done.stderr.strip().splitlines()[-1]}")


def _key(path: Path, *, make: bool) -> bytes:
    if not path.exists():
        if not make:
            raise StackError(f"no key file {path}")
        write_private(path, base64.b64encode(new_key()))
    try:
        return key_from_base64(path.read_text().strip())
    except ValueError as error:
        raise StackError(f"{path}: {error}") from error
