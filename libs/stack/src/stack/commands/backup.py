"""`backup` and `restore` of the embedded stack."""

import base64
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from common.crypto import key_from_base64, new_key
from rich.console import Console

from stack.backup import contents
from stack.backup.consistent import consistent_copy, same_keys
from stack.backup.contents import DATA_ARCHIVE, DATA_DATABASES, KEY_DATABASES, KEYS_ARCHIVE
from stack.backup.sealed_archive import read_archive, write_archive
from stack.commands.options import Data
from stack.errors import StackError
from stack.exclusive import check_room, exclusive
from stack.layout import Layout
from stack.lost_keys import erase_again
from stack.postgres import PostgresServer
from stack.private_files import write_private
from stack.running import running_state
from stack.service_commands import attached_postgres

app = typer.Typer()
_terminal = Console(highlight=False, soft_wrap=True)
KeyFile = Annotated[
    Path, typer.Option("--key-file", help="32 bytes in base64; backup makes it if it is missing")
]


@app.command()
def backup(folder: Path, key_file: KeyFile, data: Data = None) -> None:
    """Write data.ruta and keys.ruta into FOLDER: sealed, read back, of one moment. Nothing stops.

    Keep keys.ruta and the key file elsewhere than data.ruta.
    """
    layout = Layout.of(data)
    state = running_state(layout)
    if state is None:
        raise StackError(f"no stack runs on {layout.root}: ./ruta up starts one")
    key = _key(key_file, make=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = attached_postgres(layout, state)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        plain, keys, keys_after = (Path(work) / name for name in ("data", "keys", "keys-after"))
        for made in (plain, keys, keys_after):
            made.mkdir()
        contents.copy_keys(layout, keys)
        with consistent_copy(layout, server) as copy:
            contents.copy_keys(layout, keys_after)
            if not same_keys(keys, keys_after):
                raise StackError("keys were rotated meanwhile: no backup was taken, repeat it")
            contents.dump(copy, DATA_DATABASES, plain)
            contents.dump(copy, KEY_DATABASES, keys)
        write_archive(plain, folder / DATA_ARCHIVE, key, "data")
        write_archive(keys, folder / KEYS_ARCHIVE, key, "keys")
    _terminal.print(
        f"backup written and verified: {folder / DATA_ARCHIVE}, {folder / KEYS_ARCHIVE}"
    )


@app.command()
def restore(
    folder: Path,
    key_file: KeyFile,
    *,
    data: Data = None,
    keys_only: Annotated[
        bool, typer.Option("--keys-only", help="Put back lost key files, nothing else")
    ] = False,
) -> None:
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
        if keys_only:
            read_archive(folder / KEYS_ARCHIVE, keys, key, "keys")
            put_back = contents.put_missing_keys(layout, keys)
            _terminal.print(f"put back: {', '.join(put_back) or 'nothing, no key file is missing'}")
            return
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
            erase_again(layout, server)
        finally:
            server.stop()
    kept = "taken from the backup" if fresh else "kept as it was"
    _terminal.print(f"restored into {layout.root}; key store {kept}. Next: ./ruta up")


def _key(path: Path, *, make: bool) -> bytes:
    if not path.exists():
        if not make:
            raise StackError(f"no key file {path}")
        write_private(path, base64.b64encode(new_key()))
    try:
        return key_from_base64(path.read_text().strip())
    except ValueError as error:
        raise StackError(f"{path}: {error}") from error
