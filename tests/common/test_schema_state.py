"""Readiness distinguishes an unmigrated database from one whose schema a newer release has expanded."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from common.db.migrations.state import Revisions, Schema
from common.db.session import Database
from stack.embedded.postgres import PostgresServer

from tests.support.databases import MigratedDatabases
from tests.support.next_release import next_release


@pytest.fixture(scope="module")
async def reporting(databases: MigratedDatabases) -> AsyncIterator[Database]:
    made = await databases.of("reporting", "schema_state")
    database = Database.at(made.app_url)
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("stored", "state"),
    [(None, Schema.BEHIND), ("9000", Schema.OK), ("9999", Schema.OK), ("", Schema.BEHIND)],
)
async def test_only_an_older_revision_is_behind(
    postgres: PostgresServer,
    reporting: Database,
    tmp_path: Path,
    stored: str | None,
    state: Schema,
) -> None:
    """The next release's code reports this release's database as behind."""
    head = postgres.psql("SELECT version_num FROM alembic_version", database="schema_state").strip()
    change = {None: "SELECT 1", "": "DELETE FROM alembic_version"}.get(
        stored, f"UPDATE alembic_version SET version_num = '{stored}'"
    )
    postgres.psql(change, database="schema_state")
    with next_release("reporting", tmp_path, "    pass") as package:
        assert await Revisions(package).compare(reporting) is state
    postgres.psql(
        f"DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('{head}')",
        database="schema_state",
    )


async def test_a_database_that_was_never_migrated_is_behind(postgres: PostgresServer) -> None:
    empty = Database.at(postgres.create_service_database("never_migrated").owner_url)
    revisions = Revisions.shipped_by("referrals")
    assert revisions is not None
    assert await revisions.compare(empty) is Schema.BEHIND
    await empty.close()


def test_a_package_without_migrations_has_nothing_to_compare() -> None:
    assert Revisions.shipped_by("tests.common") is None
