"""The PostgreSQL of a data directory: run-time roles own nothing, and the data outlives its server."""

import re
import time
from pathlib import Path

import asyncpg
import pytest
from stack.embedded.postgres import EXTENSIONS, PostgresServer
from stack.errors import StackError
from stack.operate.backup import contents

from tests.support.patience import PATIENCE

pytestmark = pytest.mark.laborious


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


async def test_the_run_time_role_reads_its_database_and_owns_nothing(
    postgres: PostgresServer,
) -> None:
    database = postgres.create_service_database("stack_roles")
    owner = await asyncpg.connect(plain(database.owner_url))
    await owner.execute("CREATE TABLE thing (id int); GRANT SELECT ON thing TO stack_roles_app")
    await owner.close()
    app = await asyncpg.connect(plain(database.app_url))
    try:
        assert await app.fetch("SELECT * FROM thing") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE other (id int)")
        role = await app.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
        assert role is not None
        assert not role["rolsuper"]
        assert not role["rolbypassrls"]
    finally:
        await app.close()


@pytest.mark.parametrize("other", ["stack_one", "postgres", "template1"])
async def test_a_service_enters_its_own_database_only(postgres: PostgresServer, other: str) -> None:
    postgres.create_service_database("stack_one")
    two = postgres.create_service_database("stack_two")
    for url in (two.app_url, two.owner_url):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(plain(url).rsplit("/", 1)[0] + f"/{other}")


async def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    database = postgres.create_service_database("stack_password")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(plain(database.app_url), password="embedded-only-guess")


def test_creating_a_database_again_keeps_its_passwords(postgres: PostgresServer) -> None:
    assert postgres.create_service_database("stack_twice") == postgres.create_service_database(
        "stack_twice"
    )


def test_a_name_that_is_no_database_name_is_refused(postgres: PostgresServer) -> None:
    with pytest.raises(StackError, match="cannot be the name of a database"):
        postgres.create_service_database("x'; DROP TABLE y; --")


def test_what_it_held_is_held_again_after_a_start(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "pg")
    server.start()
    server.psql(
        "CREATE TABLE asked AS SELECT repeat('x', 1000) AS body FROM generate_series(1, 1000)"
    )
    server.stop()
    server.start()
    try:
        _until_logged(server, "autoprewarm successfully prewarmed")
        plan = server.psql("EXPLAIN (ANALYZE, BUFFERS) SELECT FROM asked")
        (buffers,) = re.findall(r"Seq Scan.*\n\s+Buffers: (.*)", plan)
        assert "hit=" in buffers
        assert "read=" not in buffers
    finally:
        server.stop()


def test_a_copy_is_not_filled_with_what_the_first_one_holds(tmp_path: Path) -> None:
    copy = PostgresServer(tmp_path / "pg", durable=False)
    copy.start()
    try:
        assert "prewarm" not in copy.psql("SHOW shared_preload_libraries")
    finally:
        copy.stop(immediate=True)


def test_what_is_written_after_a_restore_comes_after_all_that_was(tmp_path: Path) -> None:
    """Writes after a restore get higher transaction ids than all earlier ones. A dump contains ids of an earlier
    server, and a new server starts below them."""
    newest, folder = 5 << 32, tmp_path / "dump"
    folder.mkdir()
    former, server = (PostgresServer(tmp_path / name, durable=False) for name in ("old", "new"))
    try:
        for each in (former, server):
            each.start()
            each.create_service_database("told")
        former.psql(f"CREATE TABLE notices AS SELECT '{newest}'::xid8 AS position", database="told")
        contents.dump(former, ("told",), folder)
        contents.load(server, ("told",), folder)
        contents.continue_transactions(server, ("told",))
        server.psql("INSERT INTO notices VALUES (pg_current_xact_id())", database="told")
        told = server.psql(
            "SELECT position FROM notices WHERE position < pg_snapshot_xmin(pg_current_snapshot())"
            " ORDER BY position", database="told",
        )  # fmt: skip
        assert int(told.split()[0]) == newest
        assert int(told.split()[1]) > newest
    finally:
        for each in (former, server):
            each.stop(immediate=True)


def test_who_may_get_in_is_taken_from_a_backup_where_nothing_knows_better(tmp_path: Path) -> None:
    """In a restore in place, removed accounts stay removed. Elsewhere the backup decides who may sign in, but none of
    its tokens stays valid, because it may have been used or revoked since."""
    folder, server = tmp_path / "dump", PostgresServer(tmp_path / "pg", durable=False)
    folder.mkdir()
    asked = "SELECT active FROM clients", "SELECT count(*) FROM refresh_tokens"
    server.start()
    try:
        for name in contents.DATA_DATABASES:
            server.create_service_database(name)
        server.psql(
            "CREATE TABLE clients AS SELECT true AS active; CREATE TABLE authorization_codes (code text);"
            " CREATE TABLE refresh_tokens AS SELECT 'used since' AS token",
            database=contents.ISSUER,
        )
        contents.dump(server, contents.DATA_DATABASES, folder)
        server.psql("UPDATE clients SET active = false", database=contents.ISSUER)
        contents.load_data(server, folder, rights=False)
        assert [server.rows(contents.ISSUER, each) for each in asked] == [["f"], ["1"]]
        contents.load_data(server, folder, rights=True)
        assert [server.rows(contents.ISSUER, each) for each in asked] == [["t"], ["0"]]
    finally:
        server.stop(immediate=True)


def test_a_server_that_a_killed_owner_left_is_stopped_first(tmp_path: Path) -> None:
    left = PostgresServer(tmp_path / "pg", durable=False)
    left.start()
    assert left.process is not None
    left.psql("CREATE TABLE kept AS SELECT 42 AS answer")
    heir = PostgresServer(tmp_path / "pg", durable=False)
    heir.start()
    try:
        assert left.process.wait(5) == 0
        assert heir.psql("SELECT answer FROM kept").strip() == "42"
    finally:
        heir.stop()


def test_the_reason_of_a_failed_start_is_one_line(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "pg", durable=False)
    server.start()
    server.stop()
    (server.cluster / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(StackError, match=r"configuration file .* contains errors") as failure:
        server.start()
    assert "\n" not in str(failure.value)


def test_passwords_are_for_the_owner_only(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "pg", durable=False)
    server.start()
    try:
        assert (server.data_dir / "passwords.json").stat().st_mode & 0o777 == 0o600
        assert not (server.data_dir / "superuser").exists()
    finally:
        server.stop(immediate=True)


def _until_logged(server: PostgresServer, words: str) -> None:
    end = time.monotonic() + PATIENCE
    while words not in server.log_file.read_text():
        assert time.monotonic() < end, words
        time.sleep(0.05)


async def test_several_are_made_at_once_and_each_opens_with_its_own_words(
    postgres: PostgresServer,
) -> None:
    names = ("several_one", "several_two", "several_three")
    made = postgres.create_service_databases(names)
    assert list(made) == list(names)
    assert postgres.create_service_databases(names) == made
    for name, database in made.items():
        for url, role in ((database.owner_url, f"{name}_owner"), (database.app_url, f"{name}_app")):
            opened = await asyncpg.connect(plain(url))
            said = await opened.fetchrow("SELECT current_database()::text, current_user::text")
            found = {
                row["extname"] for row in await opened.fetch("SELECT extname FROM pg_extension")
            }
            await opened.close()
            assert said is not None
            assert tuple(said) == (name, role)
            assert set(EXTENSIONS) <= found
