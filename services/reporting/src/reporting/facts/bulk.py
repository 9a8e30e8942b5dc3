"""Many rows at once: arrays of columns unnested by the database, or a COPY where rows are new."""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa
from asyncpg.exceptions import UniqueViolationError
from common.reads import QuickStatement
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

Rows: TypeAlias = Sequence[Sequence[Any]]

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
        self._conflict = conflict
        self._statement = QuickStatement(self.statement(""))

    def statement(
        self, prefix: str, only_if: sa.ColumnElement[bool] | None = None
    ) -> ReturningInsert[Any]:
        """One bound array for each column, by the column's name after `prefix`; no row unless `only_if`."""
        columns = [self.table.c[name] for name in self.names]
        given = self._given(prefix, columns)
        selected = sa.select(*map(sa.cast, given, (column.type for column in columns)))
        if only_if is not None:
            selected = selected.where(only_if)
        inserted = insert(self.table).from_select([column.name for column in columns], selected)
        return self._conflict(inserted).returning(*self.table.primary_key)

    def _given(self, prefix: str, columns: Sequence[sa.Column[Any]]) -> list[Any]:
        arrays = [sa.bindparam(prefix + c.name, type_=sa.ARRAY(_element(c))) for c in columns]
        source = (
            sa.func.unnest(*arrays)
            .table_valued(*(sa.column(c.name, _element(c)) for c in columns), name="new")
            .render_derived()
        )
        return [source.c[column.name] for column in columns]

    def values(self, prefix: str, rows: Rows) -> dict[str, Any]:
        """The values of `statement`."""
        return {prefix + name: [row[at] for row in rows] for at, name in enumerate(self.names)}

    @cached_property
    def of_one(self) -> "BulkInsert":
        """The same for one row, which need not be unnested."""
        return _OneInsert(self.table, self.names, self._conflict)

    async def write(self, session: AsyncSession, rows: Rows) -> list[Any]:
        """The primary keys of the rows that were written."""
        return await self._statement.rows(session, self.values("", rows)) if rows else []

    async def left_to_write(self, session: AsyncSession, rows: Rows) -> Rows:
        """Copy many rows: several times faster, but all or nothing. What is left is to be written:
        nothing, or all if they are few or one of their keys is there already or twice among them (published
        twice).
        """
        if len(rows) < COPY_FROM:
            return rows
        return () if await _copied(session, self.table, self.names, rows) else rows


class _OneInsert(BulkInsert):
    def _given(self, prefix: str, columns: Sequence[sa.Column[Any]]) -> list[Any]:
        return [sa.bindparam(prefix + c.name, type_=_element(c)) for c in columns]

    def values(self, prefix: str, rows: Rows) -> dict[str, Any]:
        (row,) = rows
        return {prefix + name: value for name, value in zip(self.names, row, strict=True)}


Parts: TypeAlias = Sequence[tuple[BulkInsert, Rows]]


async def write_together(session: AsyncSession, parts: Parts) -> None:
    """Write rows of several tables in one statement; no row may be in two parts."""
    inserts, values = sorted_out(parts)
    if inserts:
        await _together(inserts).rows(session, values)


def sorted_out(parts: Parts) -> tuple[tuple[BulkInsert, ...], dict[str, Any]]:
    """Those that have rows, and the values of their statements `together`."""
    written = [
        (insert.of_one if len(rows) == 1 else insert, rows) for insert, rows in parts if rows
    ]
    return tuple(insert for insert, _ in written), {
        name: value
        for at, (insert, rows) in enumerate(written)
        for name, value in insert.values(_prefix(at), rows).items()
    }


def together(
    inserts: Sequence[BulkInsert], only_if: sa.ColumnElement[bool] | None = None
) -> list[sa.CTE]:
    """What writes the rows of several tables beside a statement."""
    return [
        insert.statement(_prefix(at), only_if).cte(f"written_{at}")
        for at, insert in enumerate(inserts)
    ]


@cache
def _together(inserts: tuple[BulkInsert, ...]) -> QuickStatement:
    return QuickStatement(sa.select(sa.literal(1)).add_cte(*together(inserts)))


def _prefix(at: int) -> str:
    return f"p{at}_"


def replacing(table: sa.Table, names: Sequence[str]) -> Callable[[Insert], Insert]:
    """Whole rows replace what stands under the same primary key."""
    keys = [column.name for column in table.primary_key]

    def replace(new: Insert) -> Insert:
        return new.on_conflict_do_update(
            index_elements=keys, set_={n: new.excluded[n] for n in names if n not in keys}
        )

    return replace


async def _copied(session: AsyncSession, table: sa.Table, names: Sequence[str], rows: Rows) -> bool:
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


def _element(column: sa.Column[Any]) -> Any:
    return sa.Text() if isinstance(column.type, sa.ARRAY) else column.type
