"""Reading on hot paths: a statement that is composed once and sent straight through the driver.

Composing, compiling and mapping cost a multiple of what sending costs. What is read so is a frozen
record, a dataclass whose fields are columns of one table: it cannot be changed and forgotten.
"""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session

from common import writes

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's constructor is untyped
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class QuickQuery:
    """A query whose bound parameters are given by name.

    Rows are the driver's records, in the order of the columns; errors are asyncpg's. `IN` with a
    list is refused: say `= ANY (…)`.
    """

    def __init__(self, query: sa.Select[Any]) -> None:
        compiled = query.compile(dialect=_DIALECT)
        self._text = compiled.string
        if "POSTCOMPILE" in self._text:
            raise TypeError("a list of unknown length is not composed once: use = ANY")
        self._names = tuple(compiled.positiontup or ())
        self._fixed = {name: compiled.params[name] for name in self._names}

    async def rows(self, session: AsyncSession, values: Mapping[str, Any] = _NOTHING) -> list[Any]:
        """All rows, in the session's transaction, after everything that it has still to write."""
        given = [values[n] if n in values else self._fixed[n] for n in self._names]
        driver = await session.run_sync(_driver)
        found: list[Any] = await driver.fetch(self._text, *given)
        return found

    async def first(self, session: AsyncSession, values: Mapping[str, Any] = _NOTHING) -> Any:
        """The first row, or None."""
        rows = await self.rows(session, values)
        return rows[0] if rows else None


def _driver(session: Session) -> Any:
    session.flush()
    writes.send(session)
    return session.connection().connection.driver_connection


def columns_of(record: type[Any], table: type[Any]) -> list[Mapped[Any]]:
    """The columns of the mapped class `table` that `record` holds, in its order."""
    return [getattr(table, field.name) for field in fields(record)]


def split(row: Any, *records: type[Any]) -> tuple[list[Any], list[Any]]:
    """A row as one record after the other (None where its first column is NULL), and the rest."""
    found, values, at = [], list(row), 0
    for record in records:
        width = len(fields(record))
        found.append(None if values[at] is None else record(*values[at : at + width]))
        at += width
    return found, values[at:]
