"""`backup` and `restore` of the embedded stack."""

import base64
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from common import clock
from common.crypto import check_value, key_from_base64, new_key
from rich.console import Console

from stack.commands.options import Data
from stack.embedded.connection import running_state
from stack.embedded.layout import Layout
from stack.embedded.lock import check_room, exclusive
from stack.embedded.postgres import PostgresServer
from stack.embedded.small import SmallDeployment
from stack.errors import StackError
from stack.operate import releases
from stack.operate.backup import contents, lists
from stack.operate.backup.archive import (
    Archive,
    at_moment,
    keep_base,
    log_broke_off,
    waits_for_base,
)
from stack.operate.backup.contents import DATA_ARCHIVE, DATA_DATABASES, KEY_DATABASES, KEYS_ARCHIVE
from stack.operate.backup.restrictions import restrict_again, tell_before
from stack.operate.backup.sealed_archive import read_archive, write_archive
from stack.operate.backup.snapshot import consistent_copy, same_keys
from stack.operate.lost_keys import erase_again
from stack.operate.offline_commands import StoppedCommands
from stack.operate.service_commands import attached_postgres
from stack.private_files import read_private_map, write_private, write_private_map
from stack.texts import said

app = typer.Typer()
_terminal = Console(highlight=False, soft_wrap=True)
_CHECKED = "backup-key"
_INTO_NOTHING = (
    " (it began in an empty directory)"  # stored for the next restore, so not translated
)
KeyFile = Annotated[
    Path,
    typer.Option(
        "--key-file", help="The key file: 32 bytes in base64. If it is missing, backup creates it"
    ),
]


@app.command()
def backup(
    folder: Path,
    key_file: KeyFile,
    data: Data = None,
    *,
    new_key_instead: Annotated[
        bool,
        typer.Option(
            "--new-key",
            help="Use this if the previous key file is lost: seal with a new key from now on",
        ),
    ] = False,
) -> None:
    """Write an encrypted backup into a folder while everything runs.

    It consists of data.ruta and keys.ruta, both from the same moment and verified after writing. Store keys.ruta and
    the key file away from data.ruta.
    """
    layout = Layout.of(data)
    state = running_state(layout)
    if state is None:
        raise StackError(
            "no stack is running on {root}; start one with ./ruta up", root=layout.root
        )
    key = _backup_key(layout, key_file, new_key_instead=new_key_instead)
    write(layout, attached_postgres(layout, state), folder, key)


def write(layout: Layout, server: PostgresServer, folder: Path, key: bytes) -> None:
    """Write both archives of a running stack into `folder` and record the backup."""
    begun = clock.now()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        plain, keys, keys_after = (Path(work) / name for name in ("data", "keys", "keys-after"))
        for made in (plain, keys, keys_after):
            made.mkdir()
        contents.copy_keys(layout, keys)
        archive = Archive.of(layout)
        keep = partial(keep_base, archive, layout, server) if archive else None
        with consistent_copy(layout, server, keep) as copy:
            contents.copy_keys(layout, keys_after)
            if not same_keys(keys, keys_after):
                raise StackError(
                    "the keys were rotated in the meantime, so no backup was made. Try again"
                )
            contents.dump(copy, DATA_DATABASES, plain)
            contents.dump(copy, KEY_DATABASES, keys)
        # Archive the keys first: newer keys open older data, but older keys do not open newer data.
        write_archive(keys, folder / KEYS_ARCHIVE, key, "keys")
        write_archive(plain, folder / DATA_ARCHIVE, key, "data")
    releases.stamp_backup(layout, folder, begun)
    _remember(layout, folder, key)
    _terminal.print(
        said(
            "backup written and verified: {data}, {keys}",
            data=folder / DATA_ARCHIVE,
            keys=folder / KEYS_ARCHIVE,
        )
    )


@app.command()
def settle(
    done: Annotated[
        str, typer.Argument(help="A sentence on what was done about the data that came back")
    ],
    data: Data = None,
) -> None:
    """Record that you checked the data that came back in a restore without its lists.

    Then doctor and the console stop warning about it.
    """
    lists.settle(Layout.of(data), done)
    _terminal.print(said("settled; the record is in {file}", file="missing-lists.settled"))


@app.command()
def restore(
    folder: Annotated[
        Path, typer.Argument(help="The folder of a backup or, with --until, of an archive")
    ],
    key_file: KeyFile,
    *,
    data: Data = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="Restore the state at this moment from the archive of `up --archive`, for example 2026-11-25T14:05:00Z, or `end` for the latest state"
        ),
    ] = None,
    keys_only: Annotated[
        bool, typer.Option("--keys-only", help="Only put back lost key files")
    ] = False,
    tombstones: Annotated[
        list[Path] | None,
        typer.Option(
            help="The list of erased cases from a second place (tombstones.jsonl), with the other lists next to it; Ruta searches the known second places without this option"
        ),
    ] = None,
    without_lists: Annotated[
        str,
        typer.Option(
            help="Continue although the lists are missing or too old, and give the reason: erased people come back, and earlier readers can again read what was withdrawn or transferred"
        ),
    ] = "",
    rights_too: Annotated[
        bool,
        typer.Option(
            "--rights-too",
            help="Also restore who has access: people and clients that were disabled since the backup get access again",
        ),
    ] = False,
) -> None:
    """Restore a backup into a data directory that no stack is using.

    An existing key store is kept, so data erased since the backup stays unreadable. Current
    access is kept, too: clients and people disabled since then stay disabled, and renewed
    secrets stay renewed. Only an empty data directory takes the key store of keys.ruta.
    Ruta applies the newest lists available: erased people, access that ended or moved
    (consents, transfers, hidden entries, accused people), and permissions. The stack does
    not start before that, and a new machine restores nothing without the lists.
    """
    layout = Layout.of(data)
    key = read_key(key_file)
    moment = _moment(until) if until else None
    given = _folders_given(layout, tombstones or [])
    releases.refuse_newer_backup(folder)
    with exclusive(layout), tempfile.TemporaryDirectory(dir=layout.root) as work:
        if running_state(layout) is not None:
            raise StackError(
                "containers are running on {root}; stop them with deploy/run-small down",
                root=layout.root,
            )
        check_room(layout)
        # An interrupted restore may have left an empty key store, so start over.
        fresh = not (layout.postgres / "cluster" / "PG_VERSION").exists() or (
            layout.restore_mark.exists() and _INTO_NOTHING in layout.restore_mark.read_text()
        )
        plain, keys = Path(work) / "data", Path(work) / "keys"
        if keys_only:
            read_archive(folder / KEYS_ARCHIVE, keys, key, "keys")
            put_back = contents.put_missing_keys(layout, keys)
            _terminal.print(
                said("files put back: {files}", files=", ".join(put_back))
                if put_back
                else said("no key file is missing, so nothing was put back")
            )
            return
        if until is not None:
            _dump_moment(Archive(folder, key_file), Path(work), moment, plain, keys)
        else:
            read_archive(folder / DATA_ARCHIVE, plain, key, "data")
        if until is None and (fresh or (folder / KEYS_ARCHIVE).exists()):
            read_archive(folder / KEYS_ARCHIVE, keys, key, "keys")
        outside = lists.outside(layout, given, keys)
        if fresh:
            lists.require(layout, outside, keys, without_lists)
        repeated = layout.restore_mark.exists()
        layout.restore_mark.write_text(
            said(
                "the restore from {folder} did not finish. Repeat it: the list of erased cases must be applied before Ruta starts",
                folder=folder,
            )
            + f"\n{_INTO_NOTHING if fresh else ''}"
        )
        if fresh:
            _begin_anew(layout, keys)
        told = _replace_record(
            layout,
            _Wanted(
                Path(work),
                outside,
                f"{folder.name} until {until}" if until else folder.name,
                fresh=fresh,
                repeated=repeated,
                rights_too=rights_too,
                accept_unproven=bool(without_lists),
            ),
        )
        if without_lists:
            lists.note_missing(layout, folder.name, without_lists)
        releases.record(layout)
        layout.restore_mark.unlink()
    for line in told:
        _terminal.print(line)
    _show_next(layout, fresh=fresh, rights=rights_too or (fresh and not outside))


@dataclass(frozen=True)
class _Wanted:
    """The inputs of a restore: the unpacked files in `work`, and the folders with newer lists. `repeated` means that an
    earlier restore was interrupted."""

    work: Path
    outside: list[Path]
    source: str
    fresh: bool
    repeated: bool
    rights_too: bool
    accept_unproven: bool


def _replace_record(layout: Layout, wanted: _Wanted) -> list[str]:
    """Load the record and apply the lists to it. Return the lines to print."""
    work, fresh = wanted.work, wanted.fresh
    plain, keys = work / "data", work / "keys"
    small = SmallDeployment.of(layout)
    if small is not None:
        small.hand_passwords_over()
    # Containers expect this port, because the overlay passes it to every command.
    port = small.ports()["postgres"] if small is not None else None
    server = PostgresServer(layout.postgres, port=port)
    # The process imports modules while PostgreSQL starts and loads the record.
    with StoppedCommands(layout, server) as commands:
        server.start()
        try:
            # After an interrupted restore, the record may already come from the backup, so it adds nothing to the
            # lists.
            unasked = "" if fresh or wanted.repeated else tell_before(commands, work)
            if fresh:
                contents.load(server, KEY_DATABASES, keys)
            _load_data(layout, server, plain, fresh=fresh, rights_too=wanted.rights_too)
            log_broke_off(layout)
            contents.continue_transactions(server, DATA_DATABASES)
            contents.forget_event_store(layout, server)
            folders = [*wanted.outside, keys / "anchors"]
            told = _apply_lists(
                layout, commands, work, folders, accept_unproven=wanted.accept_unproven
            )
            if not wanted.rights_too:
                lists.put_rights(layout, [*folders, keys / "keys"] if fresh else wanted.outside)
            told += commands.run("audit-mark-restored", wanted.source).splitlines()
        finally:
            server.stop()
    return [*told, unasked] if unasked else told


def _folders_given(layout: Layout, tombstones: list[Path]) -> list[Path]:
    """Return the folders of the given lists or folders. Raise StackError if a folder does not exist."""
    folders = [path if path.is_dir() else path.parent for path in tombstones]
    for path, folder in zip(tombstones, folders, strict=True):
        if not lists.any_in(layout, folder):
            raise StackError("the list {path} does not exist", path=path)
    return folders


def _begin_anew(layout: Layout, keys: Path) -> None:
    """Record that this stack does not know which events the lost machine published after the backup."""
    contents.put_keys(layout, keys)
    write_private(layout.lost_record_file, clock.utc_day(clock.now()).isoformat())


def _load_data(
    layout: Layout, server: PostgresServer, plain: Path, *, fresh: bool, rights_too: bool
) -> None:
    contents.load_data(server, plain, rights=fresh or rights_too)
    if rights_too:
        contents.set_rights_aside(layout)


def _show_next(layout: Layout, *, fresh: bool, rights: bool) -> None:
    if fresh:
        _terminal.print(
            said(
                "periods that are not closed in the backup may have been published since then: Ruta closes none of them without a check (409 period_maybe_published)"
            )
        )
    if rights:
        _terminal.print(
            said(
                "access is as it was in the backup. Before others can reach Ruta, disable again the people and clients that you disabled since then, and renew again what you renewed (./ruta client, ./ruta person)"
            )
        )
    start = "./ruta up" if SmallDeployment.of(layout) is None else "deploy/run-small up"
    if waits_for_base(layout):
        start = said(
            "{start}, then ./ruta backup: the archive needs a new base backup from now on",
            start=start,
        )
    restored = (
        said(
            "restored into {root}; the key store comes from the backup. Next step: {start}",
            root=layout.root,
            start=start,
        )
        if fresh
        else said(
            "restored into {root}; the key store was kept as it was. Next step: {start}",
            root=layout.root,
            start=start,
        )
    )
    _terminal.print(restored)


def _moment(text: str) -> datetime | None:
    if text == "end":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise StackError(
            "--until {text}: give a time such as 2026-11-25T14:05:00Z, or `end`", text=text
        ) from error
    if moment.tzinfo is None:
        raise StackError(
            "--until {text}: give the time zone, Z for UTC or an offset such as -04:00", text=text
        )
    return moment


def _dump_moment(
    archive: Archive, work: Path, moment: datetime | None, plain: Path, keys: Path
) -> None:
    """Create the dump that a backup at that moment would have contained."""
    plain.mkdir()
    with at_moment(archive, work, moment) as (server, key_files):
        shutil.copytree(key_files, keys)
        contents.dump(server, DATA_DATABASES, plain)
        contents.dump(server, KEY_DATABASES, keys)


def _apply_lists(
    layout: Layout,
    commands: StoppedCommands,
    work: Path,
    folders: list[Path],
    *,
    accept_unproven: bool,
) -> list[str]:
    """Apply the lists in these folders: erase and restrict again. Return the lines to print."""

    def of(own: Path) -> list[str]:
        return _lists(layout, [folder / own.name for folder in folders], accept_unproven)

    erased = erase_again(commands, *of(layout.tombstones_file))
    return [erased, *restrict_again(commands, work, *of(layout.restrictions_file))]


def _lists(layout: Layout, copies: list[Path], accept_unproven: bool) -> list[str]:
    """Return the arguments for one list: every existing copy, and every anchor, which proves how long the list was."""
    anchors = [
        layout.anchor_file,
        *(path.with_name(layout.anchor_file.name) for path in reversed(copies)),
    ]
    return [
        *(part for path in copies if path.exists() for part in ("--list", str(path))),
        *(part for path in anchors if path.exists() for part in ("--anchor", str(path))),
        *(["--accept-unproven"] if accept_unproven else []),
    ]


def _backup_key(layout: Layout, path: Path, *, new_key_instead: bool) -> bytes:
    """Return the key for the backups. Raise StackError if the last backup was sealed with another key.

    If a new key were created silently, the operator would have backups that no available key opens.
    """
    former = read_private_map(layout.last_backup_file)
    if former and not new_key_instead:
        hint = said(
            "the last backup ({at}, {folder}) was sealed with another key. Find its key file. If it is lost, --new-key seals with a new key, and only backups made from now on can be restored",
            at=former["at"],
            folder=former["folder"],
        )
        if not path.exists():
            raise StackError("the key file {path} does not exist: {hint}", path=path, hint=hint)
        if check_value(_CHECKED, read_key(path)) != former["key_check"]:
            raise StackError.passed_on(f"{path}: {hint}")
    return read_key(path, make=True)


def _remember(layout: Layout, folder: Path, key: bytes) -> None:
    write_private_map(
        layout.last_backup_file,
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "folder": str(folder.absolute()),
            "key_check": check_value(_CHECKED, key),
        },
    )


def read_key(path: Path, *, make: bool = False) -> bytes:
    if not path.exists():
        if not make:
            raise StackError("the key file {path} does not exist", path=path)
        write_private(path, base64.b64encode(new_key()))
    try:
        return key_from_base64(path.read_text().strip())
    except ValueError as error:
        raise StackError.passed_on(f"{path}: {error}") from error
