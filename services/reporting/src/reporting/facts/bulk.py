"""Many rows at once: arrays of columns unnested by the database, or a COPY where rows are new."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from asyncpg.exceptions import UniqueViolationError
from common.reads import QuickStatement
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

COPY_FROM = 100
"""From so many rows on a COPY is worth its round trips."""


class BulkInsert:
    """`INSERT INTO table (names) SELECT … FROM unnest(…)`, composed once.

    A value of an array column is its text form (`{1,2}`), because PostgreSQL flattens nested
    arrays. `conflict` says what becomes of rows whose key is there: by default the new are dropped.
    """

    def __init__(
        self,
        table: sa.Table,
        names: Sequence[str],
        conflict: Callable[[Insert], Insert] = Insert.on_conflict_do_nothing,
    ) -> None:
        self.table = table
        self.names = names
        columns = [table.c[name] for name in names]
        arrays = [sa.bindparam(c.name, type_=sa.ARRAY(_element(c))) for c in columns]
        source = (
            sa.func.unnest(*arrays)
            .table_valued(*(sa.column(c.name, _element(c)) for c in columns), name="new")
            .render_derived()
        )
        selected = sa.select(*(sa.cast(source.c[column.name], column.type) for column in columns))
        inserted = conflict(
            insert(table).from_select([column.name for column in columns], selected)
        )
        self._statement = QuickStatement(inserted.returning(*table.primary_key))

    async def write(self, session: AsyncSession, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """The primary keys of the rows that were written."""
        if not rows:
            return []
        columns = {name: [row[at] for row in rows] for at, name in enumerate(self.names)}
        return await self._statement.rows(session, columns)

    async def add(self, session: AsyncSession, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows whose primary key is not there yet; the first of several with one key.

        Many rows are copied: several times faster, but all or nothing. So if one of them is there
        already (an event published twice), they are inserted one by one after all.
        """
        if len(rows) >= COPY_FROM and await _copied(
            session, self.table, self.names, _distinct(self.table, self.names, rows)
        ):
            return
        await self.write(session, rows)


def replacing(table: sa.Table, names: Sequence[str]) -> Callable[[Insert], Insert]:
    """Whole rows replace what stands under the same primary key."""
    keys = [column.name for column in table.primary_key]

    def replace(new: Insert) -> Insert:
        return new.on_conflict_do_update(
            index_elements=keys, set_={n: new.excluded[n] for n in names if n not in keys}
        )

    return replace


async def _copied(
    session: AsyncSession, table: sa.Table, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> bool:
    savepoint = await session.begin_nested()
    connection = await session.connection()  # only asking for it sets the savepoint
    assert connection.sync_connection is not None  # noqa: S101 - a session's connection is open
    options = connection.sync_connection.get_execution_options()
    moved = options.get("schema_translate_map", {})
    try:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None  # noqa: S101 - a connection in use has its driver's
        await raw.copy_records_to_table(
            table.name,
            schema_name=moved.get(table.schema, table.schema),
            columns=list(names),
            records=rows,
        )
    except UniqueViolationError:
        await savepoint.rollback()
        return False
    await savepoint.commit()
    return True


def _distinct(
    table: sa.Table, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[Sequence[Any]]:
    places = [names.index(column.name) for column in table.primary_key]
    first: dict[tuple[Any, ...], Sequence[Any]] = {}
    for row in rows:
        first.setdefault(tuple([row[place] for place in places]), row)
    return list(first.values())


def _element(column: sa.Column[Any]) -> Any:
    return sa.Text() if isinstance(column.type, sa.ARRAY) else column.type
