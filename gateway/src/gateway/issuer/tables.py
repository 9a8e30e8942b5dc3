"""The metadata of the issuer's database, shared tables, and versioned updates of rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.db.tables import common_tables
from common.errors import STALE
from sqlalchemy.ext.asyncio import AsyncSession

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters for a list of people or clients. None applies no filter. `search` matches part of one of their names."""

    search: str | None = None
    organisation_id: UUID | None = None
    role: str | None = None
    active: bool | None = None

    def conditions(self, table: sa.Table, *names: str) -> Iterator[sa.ColumnElement[bool]]:
        if self.search:
            named = (table.c[name].icontains(self.search, autoescape=True) for name in names)
            yield sa.or_(*named)
        if self.organisation_id is not None:
            yield table.c.organisation_id == self.organisation_id
        if self.role is not None:
            yield sa.literal(self.role) == sa.any_(table.c.roles)
        if self.active is not None:
            yield table.c.active == self.active


async def change_version(
    session: AsyncSession, table: sa.Table, row: Any, **values: object
) -> None:
    """Write the next version of a row. Raise 412 if somebody has changed the row since it was read. Otherwise, a stale
    edit could undo that change, such as disabling a person."""
    changed = await session.execute(
        sa.update(table)
        .where(table.c.id == row["id"], table.c.version == row["version"])
        .values(**values, version=row["version"] + 1)
        .returning(table.c.id)
    )
    if changed.first() is None:
        raise STALE.because("entry_has_changed_read_it_again")
