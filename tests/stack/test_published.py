"""A restore in place revokes no publication and restores no mailbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from common.db.migrations import migrate
from stack.embedded.postgres import PostgresServer
from stack.operate.backup import contents
from stack.operate.backup.published import FORMER, TABLES, set_aside

DATABASES = ("directory", "referrals", "reporting")
OLD, NEW = "2026-10a", "2026-10b"


class Reports:
    """The reporting database, as its service writes it."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server

    def sql(self, script: str) -> list[str]:
        return self.server.psql(script, database="reporting").split()

    def close(self, number: int, period: str, shown: int) -> None:
        days = {OLD: ("2026-10-01", "2026-10-15"), NEW: ("2026-10-16", "2026-10-31")}[period]
        about = f"'{period}', '{days[0]}', '{days[1]}', 11, 'J', '\\x00', '{{}}'"
        columns = "period, period_start, period_end, k, profile, schema_fingerprint, definition"
        self.sql(
            f"INSERT INTO joint_cubes (id, population, {columns}, cells_hash, closed_at, closed_by)"
            f" VALUES ('{uuid(number)}', 'referred-persons', {about}, '\\x00', now(), 'im');"
            f"INSERT INTO joint_cells VALUES ('{uuid(number)}', '{{VE23}}', {shown});"
            f"INSERT INTO releases (id, programme, {columns}, cube_id, expected_errors, cells_hash,"
            f" closed_at, closed_by) VALUES ('{uuid(number)}', 'referrals', {about},"
            f" '{uuid(number)}', '[]', '\\x00', now(), 'im');"
            f"INSERT INTO sign_offs (release_id, organisation_id) VALUES ('{uuid(number)}', '{uuid(9)}')"
        )

    def publish(self, number: int) -> None:
        self.sql(
            f"UPDATE sign_offs SET signed_at = now(), signed_by = 'c' WHERE release_id = '{uuid(number)}';"
            f"INSERT INTO publications VALUES ('{uuid(number)}', now(), 'other')"
        )

    def bulletin(self, number: int, period: str) -> None:
        self.sql(
            "INSERT INTO bulletins (id, kind, period, edition, state, content, content_sha256, drafted_at,"
            f" drafted_by) VALUES ('{uuid(number)}', 'biweekly', '{period}', 1, 'draft', '{{}}', 'draft',"
            f" now(), 'schedule');"
            "INSERT INTO bulletin_publications (bulletin_id, asked_by, asked_at, attempts, done)"
            f" VALUES ('{uuid(number)}', 'im', now(), 0, 0)"
        )

    def publish_bulletin(self, number: int) -> None:
        self.sql(
            "UPDATE bulletins SET state = 'published', published_at = now(), content_sha256 = 'read'"
            f" WHERE id = '{uuid(number)}';"
            f"INSERT INTO bulletin_files VALUES ('{uuid(number)}', 'es', 'bulletin.html', 'text/html',"
            " '\\x41', 'digest')"
        )

    def subscribe(self, number: int) -> None:
        self.sql(
            "INSERT INTO subscribers (id, address, address_digest, language, asked_at, asked,"
            " confirm_wanted, attempts, next_attempt_at)"
            f" VALUES ('{uuid(number)}', '\\x00', '\\x0{number}', 'es', now(), 1, false, 0, now())"
        )


def uuid(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "pg", durable=False)
    server.start()
    yield server
    server.stop(immediate=True)


async def test_a_restore_takes_back_nothing_that_was_published(
    server: PostgresServer, tmp_path: Path
) -> None:
    for name in DATABASES:
        database = server.create_service_database(name)
    await migrate("reporting", database.owner_url, database.app_role)
    reports = Reports(server)
    # The restore would skip a renamed table, because it looks like a table that the backup lacks.
    assert [name for name in TABLES if not reports.sql(f"SELECT to_regclass('{name}')")] == []
    reports.close(1, OLD, 22)
    reports.bulletin(1, OLD)
    reports.bulletin(2, NEW)
    for number in (1, 2):
        reports.subscribe(number)
    backup = tmp_path / "backup"
    backup.mkdir()
    contents.dump(server, DATABASES, backup)

    reports.publish(1)
    reports.close(2, NEW, 33)
    reports.publish(2)
    reports.publish_bulletin(1)
    reports.sql(f"DELETE FROM subscribers WHERE id = '{uuid(1)}'")
    reports.subscribe(3)
    # The restore stopped after it had set the present database aside and loaded half of the data.
    assert set_aside(server)
    contents.load(server, ("reporting",), backup)
    contents.load_data(server, backup, rights=False)

    assert reports.sql("SELECT period FROM joint_cubes ORDER BY period") == [OLD, NEW]
    assert reports.sql("SELECT count FROM joint_cells ORDER BY count") == ["22", "33"]
    published = "SELECT period FROM releases JOIN publications ON release_id = id ORDER BY period"
    assert reports.sql(published) == [OLD, NEW]
    assert reports.sql("SELECT signed_by FROM sign_offs") == ["c", "c"]
    told = reports.sql("SELECT period || state || content_sha256 FROM bulletins ORDER BY period")
    assert told == [f"{OLD}publishedread", f"{NEW}draftdraft"]
    assert reports.sql("SELECT sha256 FROM bulletin_files") == ["digest"]
    assert reports.sql("SELECT id FROM subscribers ORDER BY id") == [uuid(2), uuid(3)]
    assert FORMER not in server.psql("SELECT datname FROM pg_database").split()


async def test_a_backup_of_another_version_is_no_obstacle(
    server: PostgresServer, tmp_path: Path
) -> None:
    for name in DATABASES:
        database = server.create_service_database(name)
    backup = tmp_path / "backup"
    backup.mkdir()
    contents.dump(server, DATABASES, backup)  # Nothing in it yet.
    await migrate("reporting", database.owner_url, database.app_role)
    reports = Reports(server)
    reports.close(1, OLD, 22)
    contents.load_data(server, backup, rights=False)
    assert reports.sql("SELECT to_regclass('joint_cubes') IS NULL") == ["t"]
