"""A hash over all that the projection says: equal after a rebuild, or something was lost."""

import hashlib

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from reporting.facts.models import referral_facts  # noqa: F401 - fills METADATA
from reporting.indicators.models import indicator_counters
from reporting.tables import METADATA, PROJECTION
from reporting.trafficking.models import identification_facts  # noqa: F401 - fills METADATA


def projection_tables() -> list[sa.Table]:
    """Every derived table, by name."""
    found = (table for table in METADATA.tables.values() if table.schema == PROJECTION)
    return sorted(found, key=lambda table: table.name)


async def fingerprint(connection: AsyncConnection) -> str:
    """SHA-256 over the rows of every derived table in key order; the database does the reading.

    A counter that fell back to zero says the same as one that never was: such rows are left out.
    """
    whole = hashlib.sha256()
    for table in projection_tables():
        # A hash per row, then one over them in order: constant memory however many rows there are.
        row_hash = sa.func.md5(sa.cast(sa.literal_column(f'"{table.name}"'), sa.Text))
        keys = [sa.cast(column, sa.Text).collate("C") for column in table.primary_key]
        statement = sa.select(row_hash).select_from(table).order_by(*keys)
        if table is indicator_counters:
            statement = statement.where(sa.literal(0) != sa.any_(table.c.vector))
        whole.update(f"{table.name}\n".encode())
        result = await connection.stream_scalars(statement)
        async for digest in result:
            whole.update(digest.encode())
    return whole.hexdigest()
