"""The metadata that all tables of reporting belong to.

Tables in the schema `projection` are derived from events only and can be rebuilt from them;
tables in `public` are the service's own record (releases, sign-offs, audited reads).
"""

from typing import Any

import sqlalchemy as sa
from common.db.ended_rights import ended_rights
from common.db.tables import common_tables

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)
ENDED_RIGHTS = ended_rights(METADATA)

PROJECTION = "projection"
SHADOW = "projection_shadow"
"""A rebuild fills the shadow while the projection keeps answering, then both swap names."""

WRITER_LOCK = 0x52555450
"""Advisory lock of whoever changes the projection: counters are shared rows, and a swap waits."""

SAYS_SOMETHING = "says_something"
"""In a table's `info`: from its columns to the condition of rows that say anything at all."""


def equal(table: sa.Table, **wanted: Any) -> list[sa.ColumnElement[bool]]:
    """The conditions that a reader gave: columns with what they must hold; None asks for nothing."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def beyond(
    after: tuple[Any, ...] | None, *columns: sa.Column[Any], falling: bool = False
) -> list[sa.ColumnElement[bool]]:
    """Behind the last row of the page before, in the order of these columns."""
    if after is None:
        return []
    last = sa.tuple_(*(sa.literal(v, c.type) for v, c in zip(after, columns, strict=True)))
    return [sa.tuple_(*columns) < last if falling else sa.tuple_(*columns) > last]
