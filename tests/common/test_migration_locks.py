"""No revision may lock a large table during traffic. A linter checks the SQL of each revision."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from common.db.migrations import runner
from common.db.migrations.runner import config_of
from stack.develop.revisions import PACKAGES
from stack.embedded.postgres import PostgresServer

from tests.support.databases import MigratedDatabases
from tests.support.next_release import next_release

# Rules about style rather than locks, and about timeouts, which the runner sets for every revision.
_NOT_ABOUT_LOCKS = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-text-field",
    "prefer-robust-stmts",
    "prefer-identity",
    "prefer-timestamp-tz",
    "ban-char-field",
    "transaction-nesting",
    "require-lock-timeout",
    "require-statement-timeout",
)
# (revision, rule) → the reason for the exception.
_LOOKED_AT: dict[tuple[str, str], str] = {}


def revisions() -> list[tuple[str, str]]:
    found = []
    for package in PACKAGES:
        scripts = ScriptDirectory.from_config(config_of(package))
        found += [(package, script.revision) for script in scripts.walk_revisions()]
    return sorted(found)


def sql_of(package: str, revision: str) -> str:
    """Return the revision's SQL without using a database."""
    config = config_of(package)
    config.attributes["run_time_role"] = "app"
    config.output_buffer = out = io.StringIO()
    script = ScriptDirectory.from_config(config).get_revision(revision)
    before = script.down_revision or "base"
    command.upgrade(config, f"{before}:{revision}", sql=True)
    return out.getvalue()


def lint(statements: dict[str, str], folder: Path) -> dict[str, set[str]]:
    """Run the linter once and return the broken rules by revision name."""
    for name, sql in statements.items():
        (folder / f"{name}.sql").write_text(sql)
    told = subprocess.run(
        [
            str(Path(sys.executable).parent / "squawk"),
            *("--pg-version", "16", "--reporter", "json", "--assume-in-transaction"),
            *("--exclude", ",".join(_NOT_ABOUT_LOCKS)),
            *(str(folder / f"{name}.sql") for name in statements),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode in (0, 1), told.stderr
    found: dict[str, set[str]] = {name: set() for name in statements}
    for each in json.loads(told.stdout or "[]"):
        found[Path(each["file"]).stem].add(str(each["rule_name"]))
    return found


def test_no_revision_locks_a_table_that_is_in_use(tmp_path: Path) -> None:
    statements = {f"{package} {number}": sql_of(package, number) for package, number in revisions()}
    broken = {
        (name, rule)
        for name, rules in lint(statements, tmp_path).items()
        for rule in rules
        if (name, rule) not in _LOOKED_AT
    }
    assert not broken


LOCKING = {
    "require-concurrent-index-creation": "CREATE INDEX cases_by_area ON cases (area);",
    "changing-column-type": "ALTER TABLE cases ALTER COLUMN area TYPE varchar(9);",
    "adding-not-nullable-field": "ALTER TABLE cases ALTER COLUMN area SET NOT NULL;",
    "adding-field-with-default": (
        "ALTER TABLE cases ADD COLUMN at timestamptz DEFAULT clock_timestamp();"
    ),
    "constraint-missing-not-valid": "ALTER TABLE cases ADD CONSTRAINT a CHECK (area <> '');",
    "renaming-column": "ALTER TABLE cases RENAME COLUMN area TO place;",
    "ban-drop-column": "ALTER TABLE cases DROP COLUMN area;",
    "adding-foreign-key-constraint": (
        "ALTER TABLE grants ADD CONSTRAINT c FOREIGN KEY (case_id) REFERENCES cases (id);"
    ),
}
HARMLESS = {
    "default": "ALTER TABLE cases ADD COLUMN intake_channel text DEFAULT 'unknown';",
    "constraint": "ALTER TABLE cases ADD CONSTRAINT a CHECK (area <> '') NOT VALID;",
}


def test_what_would_lock_a_large_table_is_refused_and_the_expand_way_passes(
    tmp_path: Path,
) -> None:
    found = lint({**LOCKING, **HARMLESS}, tmp_path)
    assert [rule for rule in LOCKING if rule not in found[rule]] == []
    assert [name for name in HARMLESS if found[name]] == []


async def _without_hanging(migration: Coroutine[Any, Any, str]) -> None:
    try:
        async with asyncio.timeout(20):
            await migration
    except TimeoutError:
        pytest.fail("it waits for its lock without end")


async def test_a_migration_gives_up_when_it_does_not_get_its_lock(
    postgres: PostgresServer, databases: MigratedDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration gives up soon if it does not get its lock, because all other queries would wait behind it."""
    made = await databases.of("reporting", "schema_state")
    monkeypatch.setattr(runner, "LOCK_TIMEOUT", "300ms")
    dsn = postgres.admin_dsn.rsplit("/", 1)[0] + "/schema_state"
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE alembic_version")
            with pytest.raises(runner.MigrationFailedError, match="lock timeout") as refused:
                await _without_hanging(runner.migrate("reporting", made.owner_url, made.app_role))
    finally:
        await connection.close()
    assert refused.value.in_the_way, "the same may go through later"


async def test_a_migration_that_fails_says_its_revision_and_what_is_in_its_way(
    databases: MigratedDatabases, tmp_path: Path
) -> None:
    made = await databases.of("reporting", "taken_place")
    taken = '    op.execute("CREATE TABLE releases ()")'
    with next_release("reporting", tmp_path, "    pass", taken) as package:
        with pytest.raises(
            runner.MigrationFailedError, match=r"stopped at revision 9001: .*exists"
        ) as refused:
            await runner.migrate(package, made.owner_url, made.app_role)
        assert not refused.value.in_the_way
    connection = await asyncpg.connect(made.owner_url.replace("+asyncpg", ""))
    try:
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9000"
    finally:
        await connection.close()


async def test_two_who_migrate_at_once_do_not_wait_for_each_other_in_a_circle(
    databases: MigratedDatabases, tmp_path: Path
) -> None:
    """Two migrations at once do not deadlock. A concurrent index build waits for every open snapshot, and the second
    migration waits for the first."""
    made = await databases.of("directory", "two_at_once")
    beside = (
        "    with op.get_context().autocommit_block():\n"
        '        op.execute("CREATE INDEX CONCURRENTLY made_up ON services (state)")'
    )
    with next_release("directory", tmp_path, beside) as package:
        reached = await asyncio.gather(
            *(runner.migrate(package, made.owner_url, made.app_role) for _ in "123")
        )
    assert set(reached) == {"9000"}
