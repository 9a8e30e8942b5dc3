"""Many rows in one statement: arrays of columns, unnested by the database."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert


def insert_rows(table: sa.Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Insert:
    """`INSERT INTO table (names) SELECT … FROM unnest(…)`; a value of an array column is its text
    form (`{1,2}`), because PostgreSQL flattens nested arrays."""
    columns = [table.c[name] for name in names]
    arrays = [
        sa.literal([row[position] for row in rows], sa.ARRAY(_element(column)))
        for position, column in enumerate(columns)
    ]
    source = (
        sa.func.unnest(*arrays)
        .table_valued(*(sa.column(c.name, _element(c)) for c in columns), name="new")
        .render_derived()
    )
    selected = sa.select(*(sa.cast(source.c[column.name], column.type) for column in columns))
    return insert(table).from_select([column.name for column in columns], selected)


def _element(column: sa.Column[Any]) -> Any:
    return sa.Text() if isinstance(column.type, sa.ARRAY) else column.type
