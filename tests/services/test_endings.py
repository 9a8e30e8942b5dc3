"""No data grows without limit. Every table declares when its rows end, and two years of work leave constant sizes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.db.endings import AsWhom, Ending, common_endings, end_all
from common.db.session import Database
from common.db.tables import CommonTables
from directory.tables import COMMON as OF_DIRECTORY
from directory.worker import ENDINGS as DIRECTORY
from gateway.issuer.tables import COMMON as OF_ISSUER
from referrals.ground.keys.store import create_tables
from referrals.ground.row_security import act_as_service
from referrals.tables import COMMON as OF_REFERRALS
from referrals.worker import ENDINGS as REFERRALS
from reporting.tables import COMMON as OF_REPORTING
from reporting.worker import ENDINGS as REPORTING
from stack.embedded.postgres import SUPERUSER, PostgresServer

from tests.support.databases import MigratedDatabases

PAGE = Path(__file__).parents[2] / "docs/database.md"
WEEKS, A_WEEK = 104, 100
STEADY = 70  # Sizes are constant from this week on, because the longest retention is 400 days.
ROOM = 8 * 8192
"""Of a table of twenty pages a tenth is two, and each of its indexes may split one more: their keys are others in
each run."""


@dataclass(frozen=True)
class Service:
    package: str
    tables: CommonTables
    own: Sequence[Ending] = ()
    as_whom: AsWhom | None = None

    @property
    def endings(self) -> tuple[Ending, ...]:
        return (*common_endings(self.tables), *self.own)


SERVICES = {
    "referrals": Service("referrals", OF_REFERRALS, REFERRALS, act_as_service),
    "directory": Service("directory", OF_DIRECTORY, DIRECTORY),
    "reporting": Service("reporting", OF_REPORTING, REPORTING),
    "issuer": Service("gateway.issuer", OF_ISSUER),
}


def said() -> Iterator[tuple[str, str, str]]:
    """Yield the database, table and end of each row on the page."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0] in {"each", "keys", *SERVICES}:
            for database in SERVICES if cells[0] == "each" else [cells[0]]:
                for table in re.findall(r"`(\w+)`", cells[1]):
                    yield database, table, cells[2]


async def test_every_table_says_how_it_ends(
    databases: MigratedDatabases, postgres: PostgresServer
) -> None:
    keys = postgres.create_service_database("keys_of_endings")
    await create_tables(keys.owner_url, keys.app_role)
    for name, service in SERVICES.items():
        await databases.of(service.package, f"{name}_endings")
    found = {
        (name, table)
        for name in (*SERVICES, "keys")
        for table in postgres.rows(
            f"{name}_endings" if name in SERVICES else "keys_of_endings",
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND n.nspname IN ('public', 'projection')",
        )
    }
    assert {(database, table) for database, table, _ in said()} == found


def test_what_ends_by_age_ends_as_the_page_says() -> None:
    ends = {(database, table): end for database, table, end in said()}
    for name, service in SERVICES.items():
        for each in service.endings:
            assert f"{each.after.days} days after" in ends[name, each.table.name], each.table.name
    by_age = {where for where, end in ends.items() if re.search(r"\d+ days after", end)}
    ended = {(name, each.table.name) for name, s in SERVICES.items() for each in s.endings}
    assert by_age == ended | {("directory", "import_rows")}  # With its import.


# Values that a row needs besides its types; `n` numbers the rows of a week.
_VALUES: dict[str, dict[str, str]] = {
    "inbox": {"consumer": "'directory/referrals'"},
    "webhook_deliveries": {"status": "'delivered'"},
    "pings": {"status": "'told'"},
    "on_call": {"rank": "1", "starts_at": "at - interval '1 hour'"},
    "gap_observations": {"week": "to_char(at, 'YYYY-MM-DD')", "count": "0"},
    "reminders": {"service_id": "'00000000-0000-7000-8000-000000000001'", "kind": "'kind ' || n"},
    "subscribers": {"confirmed_at": "NULL"},  # A confirmed subscriber stays until they leave.
    "imports": {"state": "'finished'", "mode": "'all'", "format": "'csv'"},
}
_OF_TYPE = {
    "uuid": "uuidv7()",
    "text": "n || ' of ' || at",
    "timestamp with time zone": "at",
    "date": "at::date",
    "boolean": "false",
    "bytea": "sha256((n || ' of ' || at)::bytea)",
    "jsonb": "jsonb_build_object('words', repeat('x', 300))",
    "ARRAY": "'{}'",
}


def filling(columns: Sequence[Sequence[Any]], table: str, at: datetime) -> str:
    """Return a statement that inserts one week's rows into any table."""
    values = {
        name: _VALUES.get(table, {}).get(name) or _OF_TYPE.get(kind, "1") for name, kind in columns
    }
    return (
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())}"
        f" FROM generate_series(1, {A_WEEK}) n, CAST('{at.isoformat()}' AS timestamptz) at"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
async def test_two_years_of_work_leave_flat_sizes(
    name: str, databases: MigratedDatabases, postgres: PostgresServer
) -> None:
    """The test fills and cleans each week as the service does, with its role and at that week's time."""
    service = SERVICES[name]
    stored = await databases.of(service.package, f"{name}_years")
    database = Database.at(stored.app_url)
    admin = Database.at(postgres.url(f"{name}_years", SUPERUSER, postgres.password(SUPERUSER)))
    start = clock.now() - timedelta(weeks=WEEKS)
    counted: dict[int, list[tuple[str, int, int]]] = {}
    try:
        described = {e.table.name: await columns_of(admin, e.table.name) for e in service.endings}
        for week in range(WEEKS + 1):
            at = start + timedelta(weeks=week)
            async with admin.transaction() as session:
                # The test does not need the tables that these rows reference.
                await session.execute(sa.text("SET LOCAL session_replication_role = replica"))
                for table, columns in described.items():
                    await session.execute(sa.text(filling(columns, table, at)))
            with clock.shifted(at - clock.now()):
                await end_all(database, service.endings, clock.now(), service.as_whom)
            if week in (STEADY, WEEKS):
                counted[week] = [await sizes(admin, table) for table in described]
            async with admin.engine.connect() as connection:  # As autovacuum does.
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(sa.text(f"VACUUM {', '.join(described)}"))
    finally:
        await admin.close()
        await database.close()
    for (table, rows, size), (_, later, larger) in zip(
        counted[STEADY], counted[WEEKS], strict=True
    ):
        assert 0 < rows < A_WEEK * 62, table
        assert later == rows, table
        assert larger <= size * 1.1 + ROOM, table


async def columns_of(database: Database, table: str) -> Sequence[Sequence[Any]]:
    """Return the name and the type of columns that are required or contain a time."""
    async with database.transaction() as session:
        found = await session.execute(
            sa.text(
                "SELECT column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = :table AND column_default IS NULL"
                " AND is_identity = 'NO' AND (is_nullable = 'NO' OR data_type LIKE 'timestamp%')"
            ),
            {"table": table},
        )
        return found.all()


async def sizes(database: Database, table: str) -> tuple[str, int, int]:
    async with database.transaction() as session:
        rows = await session.scalar(sa.text(f"SELECT count(*) FROM {table}"))
        size = await session.scalar(sa.text(f"SELECT pg_total_relation_size('{table}')"))
    return table, int(rows or 0), int(size or 0)


async def test_what_has_no_end_yet_stays(databases: MigratedDatabases) -> None:
    """Unpublished events, letters that nobody replayed, and a reader's first event all remain."""
    stored = await databases.of("gateway.issuer", "issuer_endings_kept")
    database = Database.at(stored.app_url)
    long_ago = clock.now() - timedelta(days=2000)
    at = f"CAST('{long_ago.isoformat()}' AS timestamptz)"

    async def fill(statement: str) -> None:
        async with database.transaction() as session:
            await session.execute(sa.text(statement))

    try:
        await fill(
            "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, version, occurred_at)"
            f" SELECT gen_random_uuid(), 'x', 'x', 'x', '{{}}', 1, {at} FROM generate_series(1, 3)"
        )
        await fill(
            "INSERT INTO dead_letters (consumer, event_id, subject, message, error, failed_at)"
            f" VALUES ('x', 'x', 'x', 'x', 'x', {at})"
        )
        await fill(
            "INSERT INTO inbox (consumer, event_id, handled_at)"
            f" SELECT consumer, gen_random_uuid(), {at}"
            " FROM generate_series(1, 5), unnest(ARRAY['a', 'b']) consumer"
        )
        ended = await end_all(database, common_endings(OF_ISSUER), clock.now())
    finally:
        await database.close()
    assert ended == {"outbox": 0, "inbox": 8, "stored_results": 0, "dead_letters": 0}
