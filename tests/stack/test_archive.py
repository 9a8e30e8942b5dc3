"""A write-ahead log archive belongs to one server, and a part of it never counts as the whole."""

from pathlib import Path

import pytest
from stack.embedded.layout import Layout
from stack.embedded.postgres import PostgresServer
from stack.errors import StackError
from stack.operate.backup import contents
from stack.operate.backup.archive import (
    Archive,
    at_moment,
    keep_base,
    log_broke_off,
    ship,
    waits_for_base,
)
from stack.operate.lost_keys import accept_another_key

pytestmark = pytest.mark.laborious


class Machine:
    """A data directory. Its server puts the log into the spool, unless a restore runs the server."""

    def __init__(self, root: Path, archive: Archive) -> None:
        self.layout, self.archive = Layout(root), archive
        root.mkdir()

    def server(self, *, archiving: bool = True) -> PostgresServer:
        spool = self.layout.spool if archiving else None
        return PostgresServer(self.layout.postgres, spool=spool)

    def tell(self, *words: str) -> None:
        """Write each word into its own archived log segment, then stop."""
        server = self.server()
        server.start()
        try:
            server.create_service_database("told")
            for word in words:
                server.psql(
                    "CREATE TABLE IF NOT EXISTS words AS SELECT ''::text AS word;"
                    f" INSERT INTO words VALUES ('{word}'); SELECT pg_switch_wal()",
                    database="told",
                )
        finally:
            server.stop()
        ship(self.archive, self.layout.spool)

    def base(self, folder: Path) -> Path:
        server = self.server()
        server.start()
        try:
            contents.run_program(
                server, "pg_basebackup", "--pgdata", str(folder), "--checkpoint=fast"
            )
            return keep_base(self.archive, self.layout, server, folder)
        finally:
            server.stop()

    def restored(self) -> None:
        """Restore as `./ruta restore` does into a directory that is in use."""
        server = self.server(archiving=False)
        server.start()
        log_broke_off(self.layout)
        contents.continue_transactions(server, ("told",))
        server.stop()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "archive", tmp_path / "key")
    made.begin(Layout(tmp_path / "none"))
    return made


def words(archive: Archive, work: Path) -> list[str]:
    work.mkdir()
    with at_moment(archive, work, None) as (server, _):
        return server.psql("SELECT word FROM words WHERE word <> ''", database="told").split()


def test_what_came_before_a_restore_is_not_taken_for_the_end(
    archive: Archive, tmp_path: Path
) -> None:
    """The log from before a restore does not count as the end. PostgreSQL reads until the log ends, so a month later
    `end` would mean the day of the restore."""
    machine = Machine(tmp_path / "one", archive)
    archive.begin(machine.layout)
    machine.tell("before")
    assert waits_for_base(machine.layout)
    machine.base(tmp_path / "copy")
    archive.begin(machine.layout)
    assert not waits_for_base(machine.layout)
    machine.tell("later")
    assert words(archive, tmp_path / "first") == ["before", "later"]
    machine.restored()
    machine.tell("after")
    with pytest.raises(StackError, match="breaks off after"):
        words(archive, tmp_path / "second")
    assert waits_for_base(machine.layout)
    machine.base(tmp_path / "again")
    assert not waits_for_base(machine.layout)
    machine.tell("since")
    assert words(archive, tmp_path / "third") == ["before", "later", "after", "since"]


def test_the_log_of_another_server_is_not_overwritten(archive: Archive, tmp_path: Path) -> None:
    """The archive never overwrites another server's log. A server restored into a new directory starts its segment
    names from the beginning again."""
    machine, other = (Machine(tmp_path / name, archive) for name in ("one", "two"))
    machine.tell("before")
    machine.base(tmp_path / "copy")
    machine.tell("later")
    with pytest.raises(StackError, match="of another data directory"):
        archive.begin(other.layout)
    for marked in (True, False):
        if not marked:  # An archive from the first release.
            (archive.folder / "server").unlink()
        with pytest.raises(StackError, match="of another data directory"):
            other.tell("other", "words", "than", "those")
        with pytest.raises(StackError, match="of another data directory"):
            other.base(tmp_path / f"other-{marked}")
    assert list(other.layout.spool.iterdir()), "its log waits"
    archive.begin(machine.layout)
    assert words(archive, tmp_path / "work") == ["before", "later"]


def test_the_log_waits_while_the_disk_of_the_archive_is_away(
    archive: Archive, tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "one", archive)
    archive.begin(machine.layout)
    away = archive.folder.rename(tmp_path / "away")
    with pytest.raises(OSError, match=str(archive.folder)):
        machine.tell("word")
    archive.begin(machine.layout)
    assert not archive.folder.exists()
    away.rename(archive.folder)
    machine.tell()
    machine.base(tmp_path / "copy")
    machine.tell("more")
    assert words(archive, tmp_path / "work") == ["word", "more"]


def test_what_is_given_up_is_in_the_log_that_leaves(archive: Archive, tmp_path: Path) -> None:
    """While a command accepts a new key, the server runs without the stack. Its log must still be archived, because a
    restore would end at the gap."""
    machine = Machine(tmp_path / "one", archive)
    archive.begin(machine.layout)
    server = machine.server()
    server.start()
    server.create_service_database("reporting")
    server.psql("CREATE TABLE key_checks (name text)", database="reporting")
    server.stop()
    ship(archive, machine.layout.spool)
    accept_another_key(machine.layout, "RUTA_PSEUDONYM_KEY")
    assert ship(archive, machine.layout.spool) > 0
