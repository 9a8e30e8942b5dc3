"""Keeps published reports when a restore replaces the database.

Otherwise, a period closed after the backup would be open again. If it were closed a second time, with a different
record, its figures would be rounded differently, and a comparison of both results could reveal people. A bulletin would
change under its address, and a withdrawn bulletin would be back. Unsubscribed mailboxes also remain unsubscribed.
"""

from pathlib import Path

from stack.embedded.postgres import PostgresServer
from stack.errors import StackError

REPORTING = "reporting"
FORMER = "reporting_former"
"""The database's name during a restore. An interrupted restore leaves it behind, with the published reports."""

# In reference order
TABLES = (
    *("joint_cubes", "joint_cells", "releases", "sign_offs", "publications"),
    *("bulletin_publications", "bulletins", "bulletin_files", "withdrawals"),
    *("subscribers", "indicator_reads"),
)
_CLOSED = "f.cube_id IN (SELECT id FROM joint_cubes)"
_RELEASED = "f.release_id IN (SELECT id FROM releases)"
_KEPT = {
    "joint_cubes": "NOT EXISTS (SELECT FROM joint_cubes t"
    " WHERE (t.population, t.period) = (f.population, f.period))",
    "joint_cells": _CLOSED,
    "releases": "NOT EXISTS (SELECT FROM releases t"
    f" WHERE (t.programme, t.period) = (f.programme, f.period)) AND {_CLOSED}",
    "sign_offs": _RELEASED,
    "publications": _RELEASED,
    "bulletin_publications": "false",
    "bulletins": "f.published_at IS NOT NULL",
    "bulletin_files": "f.bulletin_id IN (SELECT id FROM bulletins WHERE published_at IS NOT NULL)",
}
"""Conditions on the former rows to add to the backup's; a table without a condition adds all of them."""
_DRAFTS = (
    "SELECT b.id FROM bulletins b, former_bulletins f"
    " WHERE f.published_at IS NOT NULL AND b.published_at IS NULL"
    " AND (b.id = f.id OR (b.kind, b.period, b.edition) = (f.kind, f.period, f.edition))"
)
# deletes rows in the backup that former rows replace
_FIRST = {
    # A contributor has already responded to the request that is still open in the backup.
    "sign_offs": "DELETE FROM sign_offs t USING former_sign_offs f"
    " WHERE (t.release_id, t.organisation_id) = (f.release_id, f.organisation_id)",
    "bulletin_publications": f"DELETE FROM bulletin_publications WHERE bulletin_id IN ({_DRAFTS})",  # noqa: S608 -- our own names
    "bulletins": f"DELETE FROM bulletins WHERE id IN ({_DRAFTS})",  # noqa: S608 -- our own names
    "withdrawals": "DELETE FROM withdrawals",
    "subscribers": "DELETE FROM subscribers",
}


def set_aside(server: PostgresServer) -> bool:
    """Rename the current reporting database, so that it is kept during the restore. Return False if it does not
    exist."""
    names = server.psql("SELECT datname FROM pg_database").split()
    if FORMER in names:
        return True
    if REPORTING not in names:
        return False
    server.psql(f"ALTER DATABASE {REPORTING} RENAME TO {FORMER}")
    return True


def put_back(server: PostgresServer, folder: Path) -> None:
    """Copy reports published after the backup into the restored database, in one transaction. The databases may have
    different versions. Tables and columns that only one of them has are skipped."""
    columns = {
        table: [name for name in _columns(server, FORMER, table) if name in now]
        for table in TABLES
        if (now := _columns(server, REPORTING, table))
    }
    told = {table: ", ".join(f'"{name}"' for name in names) for table, names in columns.items()}
    told = {table: names for table, names in told.items() if names}
    files = {table: _quoted(folder / f"former-{table}") for table in told}
    server.psql(
        "".join(
            f"\\copy (SELECT {names} FROM {table}) TO {files[table]}\n"  # noqa: S608 -- our own names
            for table, names in told.items()
        ),
        database=FORMER,
    )
    script = ["BEGIN;\n"]
    for table, names in told.items():
        script += [
            f"CREATE TEMP TABLE former_{table} AS SELECT {names} FROM {table} WITH NO DATA;\n",  # noqa: S608 -- our own names
            f"\\copy former_{table} ({names}) FROM {files[table]}\n",
        ]
    for table, names in told.items():
        rows = f"SELECT {names} FROM former_{table} f WHERE {_KEPT.get(table, 'true')}"  # noqa: S608 -- our own names
        script += [
            f"{_FIRST.get(table, '')};\n",
            f"INSERT INTO {table} ({names}) {rows} ON CONFLICT DO NOTHING;\n",
        ]
    server.psql("".join([*script, "COMMIT;\n"]), database=REPORTING)
    server.psql(f"DROP DATABASE {FORMER} WITH (FORCE)")


def _columns(server: PostgresServer, database: str, table: str) -> list[str]:
    return server.psql(
        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"  # noqa: S608 -- our own names
        f" AND attrelid = to_regclass('public.{table}') ORDER BY attnum",
        database=database,
    ).split()


def _quoted(path: Path) -> str:
    if "'" in str(path):
        raise StackError("{path}: the name of the folder must not contain an apostrophe", path=path)
    return f"'{path}'"
