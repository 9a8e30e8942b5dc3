"""Point-in-time recovery: base backups and the write-ahead log, sealed, in a folder that survives the loss of the
machine.

PostgreSQL puts finished segments into a spool next to its data. From there, they are moved to the archive, compressed
and sealed. A segment is finished after a minute at the latest, so the loss of the machine costs at most one minute of
data.
"""

import base64
import os
import re
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.crypto import key_from_base64, new_key

from stack.embedded.layout import Layout
from stack.embedded.postgres import PostgresServer
from stack.errors import StackError
from stack.operate.backup import contents
from stack.operate.backup.sealed_archive import SealingWriter, opened, read_archive, write_archive
from stack.private_files import read_private_map, write_private, write_private_map
from stack.texts import said

_SUFFIX = ".ruta"
_STAMP = "%Y%m%dT%H%M%SZ"
_PROMOTE_SECONDS = 600
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_SEGMENT_BYTES = 16 << 20


@dataclass(frozen=True)
class Archive:
    """The archive of one server, which the file `server` identifies. `folder` contains `base/` and `wal/`, sealed with
    the key in `key_file`."""

    folder: Path
    key_file: Path

    @classmethod
    def of(cls, layout: Layout) -> "Archive | None":
        """Return the archive with which the stack was last started, or None if it had no archive."""
        known = read_private_map(layout.archive_file)
        return cls(Path(known["folder"]), Path(known["key_file"])) if known else None

    def begin(self, layout: Layout) -> None:
        """Use this archive from the next start on. Create the key file if there has never been one. Raise StackError if
        the key is lost or malformed, or if the archive belongs to another data directory."""
        former = Archive.of(layout)
        if not self.key_file.exists():
            if former is not None or layout.last_backup_file.exists():
                raise StackError(
                    "the key file {file} does not exist: the earlier backups use it",
                    file=self.key_file,
                )
            write_private(self.key_file, base64.b64encode(new_key()))
        _ = self.key
        cluster = layout.postgres / "cluster"
        server = _server_in(cluster) if (cluster / "PG_VERSION").exists() else None
        if self._owner() not in (None, server):
            raise self._of_another()
        folder = self.folder.absolute()
        another = former is None or former.folder != folder
        if another:
            # Never create this folder later. If a disk is not mounted, the log would otherwise be written to the disk
            # below the mount point.
            (folder / "wal").mkdir(mode=0o700, parents=True, exist_ok=True)
        known = {"folder": str(folder), "key_file": str(self.key_file.absolute())}
        write_private_map(layout.archive_file, {**read_private_map(layout.archive_file), **known})
        if another:
            log_broke_off(layout)

    def claim(self, server: int) -> None:
        """Claim the archive for this server's system identifier. Raise StackError if another server owns it."""
        owner = self._owner()
        if owner is None:
            self._mark.write_text(f"{server}\n")
        elif owner != server:
            raise self._of_another()

    def _owner(self) -> int | None:
        if self._mark.exists() and (server := self._mark.read_text().strip()).isdecimal():
            return int(server)
        # Old or interrupted archives lack the `server` file, but each segment contains its server's identifier.
        segments = [path for path in self.log.glob("*" + _SUFFIX) if _SEGMENT.fullmatch(path.stem)]
        return _writer(_plain(max(segments), self.key)) if segments else None

    @property
    def _mark(self) -> Path:
        return self.folder / "server"

    def _of_another(self) -> StackError:
        return StackError(
            "{folder} is the archive of another data directory, and this one would overwrite its log: choose a separate folder, then run ./ruta backup",
            folder=self.folder,
        )

    @property
    def key(self) -> bytes:
        try:
            return key_from_base64(self.key_file.read_text())
        except (OSError, ValueError) as error:
            raise StackError.passed_on(f"{self.key_file}: {error}") from error

    @property
    def bases(self) -> Path:
        return self.folder / "base"

    @property
    def log(self) -> Path:
        return self.folder / "wal"


def log_broke_off(layout: Layout) -> None:
    """Record that the archive needs a new base backup before it can be restored again."""
    known = read_private_map(layout.archive_file)
    if known:
        known["unbroken_since"] = datetime.now(UTC).strftime(_STAMP)
        write_private_map(layout.archive_file, known)


def waits_for_base(layout: Layout) -> str | None:
    """Return the time since when the shipped log cannot be restored. Return None if it can be restored or the archive
    is unreachable."""
    archive = Archive.of(layout)
    since = read_private_map(layout.archive_file).get("unbroken_since")  # 0.1.0 did not write it
    if archive is None or since is None or not archive.folder.exists():
        return None
    return None if any(path.stem >= since for path in archive.bases.glob("*" + _SUFFIX)) else since


def ship(archive: Archive, spool: Path) -> int:
    """Seal the spooled segments into the archive, then remove them from the spool. Return their number."""
    finished = sorted(path for path in spool.iterdir() if not path.name.startswith("."))
    if not finished:
        return 0
    key = archive.key
    for segment in finished:
        content = segment.read_bytes()
        if _SEGMENT.fullmatch(segment.name):
            archive.claim(_writer(content))
        target = archive.log / (segment.name + _SUFFIX)
        draft = target.with_name("." + target.name)
        with draft.open("wb") as out:
            writer = SealingWriter(out, key, _kind(segment.name))
            writer.write(zlib.compress(content, level=1))
            writer.finish()
            out.flush()
            os.fsync(out.fileno())
        draft.chmod(0o600)
        draft.replace(target)
        segment.unlink()
    return len(finished)


def oldest_waiting_seconds(spool: Path) -> float:
    """Return the age of the oldest spooled segment, or 0 if there is none."""
    waiting = [path.stat().st_mtime for path in spool.glob("[!.]*")]
    return max(0.0, time.time() - min(waiting)) if waiting else 0.0


def keep_base(archive: Archive, layout: Layout, server: PostgresServer, cluster: Path) -> Path:
    """Store a base backup in the archive, before any server has run on it, together with the key files."""
    archive.claim(_server_in(cluster))
    archive.bases.mkdir(mode=0o700, exist_ok=True)
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
    """Yield a server with the state of all databases at `until` (None means the end of the log), and the key files.
    Raise StackError if there is no earlier base backup, or if the log ends before `until`. Without `until`, raise it if
    the log has a gap."""
    base = _base_before(archive, until)
    folder, log = work / "moment", work / "wal"
    folder.mkdir(mode=0o755)
    log.mkdir(mode=0o755)
    work.chmod(0o755)
    read_archive(base, folder, archive.key, "base")
    for sealed in sorted(archive.log.glob("*" + _SUFFIX)):
        name = sealed.name.removesuffix(_SUFFIX)
        (log / name).write_bytes(_plain(sealed, archive.key))
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
        if until is None:
            _check_end(server, log)
    except StackError as error:
        server.stop()
        raise StackError(
            "the archive does not reach {moment} from {base}: {error}",
            moment=until.isoformat() if until else said("its end"),
            base=base.name,
            error=error,
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
        raise StackError(
            "{folder}: there is no base backup from before that moment; ./ruta backup makes one",
            folder=archive.bases,
        )
    return moments[max(before)]


def _wait_until_promoted(server: PostgresServer) -> None:
    deadline = time.monotonic() + _PROMOTE_SECONDS
    while server.psql("SELECT pg_is_in_recovery()").strip() != "f":
        if time.monotonic() > deadline:
            raise StackError("PostgreSQL does not finish reading the log")
        time.sleep(0.2)


def _check_end(server: PostgresServer, log: Path) -> None:
    """Raise StackError if the log has a gap. PostgreSQL treats a gap as the end, so the part before it would look like
    the complete log."""
    segments = sorted(path.name for path in log.iterdir() if _SEGMENT.fullmatch(path.name))
    read, at = server.psql(
        "SELECT pg_last_wal_replay_lsn() - '0/0', pg_last_xact_replay_timestamp()"
    ).split("|")
    after = [name for name in segments if _begins(name) >= int(read)]
    if after:
        raise StackError(
            "the log breaks off after {last} and continues with {segment}: in between there was a restore or a time without the archive, and no base backup was made after that. Later states cannot be recovered; to go back to an earlier state, move {segment} and everything after it out of wal/",
            last=at.strip(),
            segment=after[0],
        )


def _begins(segment: str) -> int:
    """Return the position in the log at which the segment begins, in bytes."""
    return (int(segment[8:16], 16) << 32) + int(segment[16:], 16) * _SEGMENT_BYTES


def _plain(sealed: Path, key: bytes) -> bytes:
    with sealed.open("rb") as source:
        return zlib.decompress(b"".join(opened(source, key, _kind(sealed.stem))))


def _writer(segment: bytes) -> int:
    """Return the system identifier of the server that wrote the segment, from the header of its first page."""
    return int.from_bytes(segment[24:32], sys.byteorder)


def _server_in(cluster: Path) -> int:
    return int.from_bytes((cluster / "global" / "pg_control").read_bytes()[:8], sys.byteorder)


def _kind(name: str) -> str:
    return f"wal:{name}"
