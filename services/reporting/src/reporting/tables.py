"""The metadata of all reporting tables. Tables in the schema `projection` are derived only from events and can be
rebuilt. Tables in `public` are the service's own record (releases, sign-offs, audited reads)."""

from typing import Any

import sqlalchemy as sa
from common.db.ended_rights import ended_rights
from common.db.tables import common_tables

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)
ENDED_RIGHTS = ended_rights(METADATA)

PROJECTION = "projection"
SHADOW = "projection_shadow"
"""A rebuild fills the shadow while the projection continues to answer; then both swap names."""

WRITER_LOCK = 0x52555450
"""The advisory lock for changes of the projection: counters are shared rows, and a swap waits for it."""

SAYS_SOMETHING = "says_something"
"""Key in a table's `info`: a function from its columns to the condition of meaningful rows."""


def equal(table: sa.Table, **wanted: Any) -> list[sa.ColumnElement[bool]]:
    """Return conditions that columns equal the given values; None means no condition."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def beyond(
    after: tuple[Any, ...] | None, *columns: sa.Column[Any], falling: bool = False
) -> list[sa.ColumnElement[bool]]:
    """Return the condition for rows after the previous page, ordered by these columns."""
    if after is None:
        return []
    last = sa.tuple_(*(sa.literal(v, c.type) for v, c in zip(after, columns, strict=True)))
    return [sa.tuple_(*columns) < last if falling else sa.tuple_(*columns) > last]
