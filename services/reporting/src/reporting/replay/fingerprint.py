"""A hash over all that the projection says: equal after a rebuild, or something was lost."""

import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from reporting.tables import METADATA, PROJECTION, SAYS_SOMETHING


def projection_tables() -> list[sa.Table]:
    """Every derived table, by name."""
    found = (table for table in METADATA.tables.values() if table.schema == PROJECTION)
    return sorted(found, key=lambda table: table.name)


async def fingerprint(connection: AsyncConnection) -> str:
    """SHA-256 over what every derived table holds; the database does the reading.

    Per table: the number of rows and the sums of the two halves of each row's MD5, which needs no
    sorting and no memory. It finds what was lost, doubled or changed by accident; it is no proof
    against somebody who forges rows. Rows of which their table says that they say nothing are left out.
    """
    whole = hashlib.sha256()
    for table in projection_tables():
        row = sa.func.md5(sa.cast(sa.literal_column(f'"{table.name}"'), sa.Text))
        statement = sa.select(
            sa.func.count(), _sum_of(sa.func.left(row, 15)), _sum_of(sa.func.right(row, 15))
        ).select_from(table)
        if says_something := table.info.get(SAYS_SOMETHING):
            statement = statement.where(says_something(table.c))
        found = (await connection.execute(statement)).one()
        whole.update(f"{table.name} {' '.join(map(str, found))}\n".encode())
    return whole.hexdigest()


def _sum_of(digits: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """The sum of hexadecimal numbers (15 digits fit a bigint), as an exact numeric."""
    number = sa.cast(sa.cast(sa.func.concat("x", digits), pg.BIT(60)), sa.BigInteger)
    return sa.func.coalesce(sa.func.sum(number), 0)
