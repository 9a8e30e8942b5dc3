"""Recovery to a moment: base backups and the write-ahead log, sealed, in a folder that outlives the machine.

PostgreSQL puts finished segments into a spool beside its data; they leave it sealed and compressed. A
segment is finished after a minute at the latest, so that is what the loss of the machine can cost.
"""

import base64
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.crypto import key_from_base64, new_key

from stack.backup import contents
from stack.backup.sealed_archive import SealingWriter, opened, read_archive, write_archive
from stack.errors import StackError
from stack.layout import Layout
from stack.postgres import PostgresServer
from stack.private_files import write_private

_SUFFIX = ".ruta"
_STAMP = "%Y%m%dT%H%M%SZ"
_PROMOTE_SECONDS = 600


@dataclass(frozen=True)
class Archive:
    """`folder` holds `base/` and `wal/`; everything in it is sealed with the key in `key_file`."""

    folder: Path
    key_file: Path

    @classmethod
    def of(cls, layout: Layout) -> "Archive | None":
        """The one that the stack was last started with."""
        try:
            known = json.loads(layout.archive_file.read_text())
        except FileNotFoundError:
            return None
        return cls(Path(known["folder"]), Path(known["key_file"]))

    def begin(self, layout: Layout) -> None:
        """Use it from the next start on. The key file is made if there never was one; StackError if
        it is gone or not a key."""
        former = Archive.of(layout)
        if not self.key_file.exists():
            if former is not None or layout.last_backup_file.exists():
                raise StackError(f"no key file {self.key_file}: it is that of the earlier backups")
            write_private(self.key_file, base64.b64encode(new_key()))
        _ = self.key
        known = {"folder": str(self.folder.absolute()), "key_file": str(self.key_file.absolute())}
        write_private(layout.archive_file, json.dumps(known) + "\n")

    @property
    def key(self) -> bytes:
        try:
            return key_from_base64(self.key_file.read_text())
        except (OSError, ValueError) as error:
            raise StackError(f"{self.key_file}: {error}") from error

    @property
    def bases(self) -> Path:
        return self.folder / "base"

    @property
    def log(self) -> Path:
        return self.folder / "wal"


def ship(archive: Archive, spool: Path) -> int:
    """Seal what is in the spool into the archive, then remove it there; returns how many segments."""
    finished = sorted(path for path in spool.iterdir() if not path.name.startswith("."))
    if not finished:
        return 0
    key = archive.key
    archive.log.mkdir(mode=0o700, parents=True, exist_ok=True)
    for segment in finished:
        target = archive.log / (segment.name + _SUFFIX)
        draft = target.with_name("." + target.name)
        with draft.open("wb") as out:
            writer = SealingWriter(out, key, _kind(segment.name))
            writer.write(zlib.compress(segment.read_bytes(), level=1))
            writer.finish()
            out.flush()
            os.fsync(out.fileno())
        draft.chmod(0o600)
        draft.replace(target)
        segment.unlink()
    return len(finished)


def oldest_waiting_seconds(spool: Path) -> float:
    """How long the oldest segment has waited to leave; 0 when none does."""
    waiting = [path.stat().st_mtime for path in spool.glob("[!.]*")]
    return max(0.0, time.time() - min(waiting)) if waiting else 0.0


def keep_base(archive: Archive, layout: Layout, server: PostgresServer, cluster: Path) -> Path:
    """Put a base backup, before any server ran on it, and the key files into the archive."""
    archive.bases.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = archive.bases / (datetime.now(UTC).strftime(_STAMP) + _SUFFIX)
    with tempfile.TemporaryDirectory(dir=layout.root) as work:
        folder = Path(work)
        (folder / "keys").mkdir()
        contents.copy_keys(layout, folder / "keys")
        shutil.copy2(server.passwords_file, folder / "passwords.json")
        shutil.copytree(cluster, folder / "cluster")
        write_archive(folder, target, archive.key, "base")
    return target


@contextmanager
def at_moment(
    archive: Archive, work: Path, until: datetime | None
) -> Iterator[tuple[PostgresServer, Path]]:
    """A server as all databases were at `until` (None: as late as the log goes), and the key files.

    StackError if the archive holds no base backup from before, or its log ends before that moment.
    """
    base = _base_before(archive, until)
    folder, log = work / "moment", work / "wal"
    folder.mkdir(mode=0o755)
    log.mkdir(mode=0o755)
    work.chmod(0o755)
    read_archive(base, folder, archive.key, "base")
    for sealed in sorted(archive.log.glob("*" + _SUFFIX)):
        name = sealed.name.removesuffix(_SUFFIX)
        with sealed.open("rb") as source:
            plain = zlib.decompress(b"".join(opened(source, archive.key, _kind(name))))
        (log / name).write_bytes(plain)
    server = PostgresServer(folder, durable=False)
    server.cluster.chmod(0o700)
    settings = [f'restore_command = \'cp "{log}/%f" "%p"\'', "recovery_target_action = 'promote'"]
    if until is not None:
        settings.append(f"recovery_target_time = '{until.astimezone(UTC).isoformat()}'")
    with (server.cluster / "postgresql.auto.conf").open("a") as configuration:
        configuration.write("\n".join(settings) + "\n")
    (server.cluster / "recovery.signal").touch()
    server.take_over()
    try:
        server.start()
        _wait_until_promoted(server)
    except StackError as error:
        server.stop()
        raise StackError(
            f"the archive does not reach {until.isoformat() if until else 'its end'}"
            f" from {base.name}: {error}"
        ) from error
    try:
        yield server, folder / "keys"
    finally:
        server.stop()


def _base_before(archive: Archive, until: datetime | None) -> Path:
    moments = {
        datetime.strptime(path.name, _STAMP + _SUFFIX).replace(tzinfo=UTC): path
        for path in archive.bases.glob("*" + _SUFFIX)
    }
    before = [moment for moment in moments if until is None or moment <= until]
    if not before:
        raise StackError(f"{archive.bases}: no base backup from before; ./ruta backup makes one")
    return moments[max(before)]


def _wait_until_promoted(server: PostgresServer) -> None:
    deadline = time.monotonic() + _PROMOTE_SECONDS
    while server.psql("SELECT pg_is_in_recovery()").strip() != "f":
        if time.monotonic() > deadline:
            raise StackError("it does not end reading the log")
        time.sleep(0.2)


def _kind(name: str) -> str:
    return f"wal:{name}"
