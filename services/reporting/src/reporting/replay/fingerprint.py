"""A hash over the whole projection. If it differs after a rebuild, something was lost."""

import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reporting.tables import METADATA, PROJECTION, SAYS_SOMETHING

_SEEDS = (0, 1)


def projection_tables() -> list[sa.Table]:
    """Return every derived table by name."""
    found = (table for table in METADATA.tables.values() if table.schema == PROJECTION)
    return sorted(found, key=lambda table: table.name)


async def fingerprint(connection: AsyncConnection) -> str:
    """Return the SHA-256 of every derived table's content, read by the database.

    For each table, it covers the number of rows and the sums of two 64-bit hashes of each row, which needs no sorting
    and no memory. It detects rows that were lost, duplicated or changed by accident, but not forged rows. It is
    comparable only within one version of the database server. Rows that their table marks as meaningless are omitted.
    """
    whole = hashlib.sha256()
    for table in projection_tables():
        row: sa.ColumnClause[Any] = sa.literal_column(f'"{table.name}"')
        sums = (sa.func.sum(sa.func.hash_record_extended(row, seed)) for seed in _SEEDS)
        statement = sa.select(sa.func.count(), *sums).select_from(table)
        if says_something := table.info.get(SAYS_SOMETHING):
            statement = statement.where(says_something(table.c))
        found = (await connection.execute(statement)).one()
        whole.update(f"{table.name} {' '.join(map(str, found))}\n".encode())
    return whole.hexdigest()
