"""The metadata of the issuer's database, shared tables, and versioned updates of rows."""

from typing import Any

import sqlalchemy as sa
from common.db.tables import common_tables
from common.errors import STALE
from sqlalchemy.ext.asyncio import AsyncSession

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)


async def change_version(
    session: AsyncSession, table: sa.Table, row: Any, **values: object
) -> None:
    """Write the next version of a row. Raises 412 if somebody has changed it since it was read: otherwise a stale edit
    could undo their change, such as disabling a person."""
    changed = await session.execute(
        sa.update(table)
        .where(table.c.id == row["id"], table.c.version == row["version"])
        .values(**values, version=row["version"] + 1)
        .returning(table.c.id)
    )
    if changed.first() is None:
        raise STALE.because("entry_has_changed_read_it_again")
