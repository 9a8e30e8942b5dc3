"""A SELECT under construction: text of our own, values only as bound parameters."""

from collections.abc import Sequence
from typing import Any

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

Row = Record


class Statement:
    """Collects bound values. SQL text is kept in the order of the arguments, so that the same
    kind of question is the same prepared statement."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def argument(self, value: Any, kind: str) -> str:
        """Bind a value; gives its placeholder with its SQL type."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"

    def fork(self) -> "Statement":
        """A statement that starts with the same values."""
        other = Statement()
        other.values = list(self.values)
        return other


async def fetch(session: AsyncSession, text: str, values: Sequence[Any]) -> list[Row]:
    """Run it on the session's own connection, inside its transaction, without the ORM's work per
    row: the bodies are sent as they are stored."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    rows: list[Row] = await driver.fetch(text, *values)
    return rows
