"""Hot paths: a statement that is composed once and sent straight through the driver.

Composing, compiling and mapping cost a multiple of what sending costs. What is read so is a frozen
record, a dataclass whose fields are columns of one table: it cannot be changed and forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from common.db import writes

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's constructor is untyped
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_Statement = sa.Select[Any] | sa.CompoundSelect[Any] | sa.Insert


@dataclass(frozen=True)
class Searchable:
    """What a caller may read of one kind, for searches in another form than our own lists.

    `rows` selects exactly what the single read would show; `columns` are what may be asked of it, each
    as the caller is shown it, `id` among them.
    """

    rows: sa.Select[Any]
    columns: Mapping[str, sa.ColumnElement[Any]]


class QuickStatement:
    """A query, or an insert from a query, whose bound parameters are given by name.

    Rows are the driver's records, in the order of the columns; errors are asyncpg's. `IN` with a
    list is refused: say `= ANY (…)`. Schemas are translated as the session's connection says.
    """

    def __init__(self, statement: _Statement) -> None:
        self._statement = statement
        self._composed: dict[_Schemas, _Composed] = {}
        self._of(_NOTHING)

    async def rows(
        self, session: AsyncSession, values: Mapping[str, Any] = _NOTHING, *, past: bool = False
    ) -> list[Any]:
        """All rows, in the session's transaction, after everything that it has still to write; or `past` that, for
        what asks for none of it."""
        straight = await (writes.straight_past if past else writes.straight_of)(session)
        composed = self._of(straight.moved)
        found: list[Any] = await straight.driver.fetch(composed.text, *composed.given(values))
        return found

    async def straight(self, driver: Any, values: Mapping[str, Any]) -> Any:
        """The first row of one that is its own transaction (`Database.straight`), or None."""
        composed = self._of(_NOTHING)
        return await driver.fetchrow(composed.text, *composed.given(values))

    async def first(
        self, session: AsyncSession, values: Mapping[str, Any] = _NOTHING, *, past: bool = False
    ) -> Any:
        """The first row, or None."""
        rows = await self.rows(session, values, past=past)
        return rows[0] if rows else None

    def _of(self, moved: Mapping[str, str]) -> "_Composed":
        schemas = tuple(moved.items())
        if schemas not in self._composed:
            self._composed[schemas] = _compose(self._statement, moved)
        return self._composed[schemas]


_Schemas = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Composed:
    """The text, the names of its parameters in their order, and the values that never change."""

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]

    def given(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[n] if n in values else self.fixed[n] for n in self.names]


def _compose(statement: _Statement, moved: Mapping[str, str]) -> _Composed:
    compiled = statement.compile(
        dialect=_DIALECT, schema_translate_map=moved or None, render_schema_translate=bool(moved)
    )
    if "POSTCOMPILE" in compiled.string:
        raise TypeError("a list of unknown length is not composed once: use = ANY")
    names = tuple(compiled.positiontup or ())
    return _Composed(compiled.string, names, {name: compiled.params[name] for name in names})


def columns_of(record: type[Any], table: type[Any]) -> list[Mapped[Any]]:
    """The columns of the mapped class `table` that `record` holds, in its order.

    Asked for when a module is loaded: a record that names no column of the table, or one that could
    be changed and forgotten, keeps the service from starting.
    """
    if not record.__dataclass_params__.frozen:
        raise TypeError(f"{record.__name__} is read quickly and has to be frozen")
    return [getattr(table, field.name) for field in fields(record)]


def split(row: Any, *records: type[Any]) -> tuple[list[Any], list[Any]]:
    """A row as one record after the other (None where its first column is NULL), and the rest."""
    found, values, at = [], list(row), 0
    for record in records:
        width = len(record.__match_args__)
        found.append(None if values[at] is None else record(*values[at : at + width]))
        at += width
    return found, values[at:]
