"""Runs a statement on the driver itself: stored bodies go out as they came in."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

Row = Record


async def driver_of(session: AsyncSession) -> Any:
    """The asyncpg connection of the session; its transaction has begun."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def fetch(session: AsyncSession, text: str, values: Sequence[Any]) -> list[Row]:
    """All rows, inside the session's transaction, without the ORM's work per row."""
    rows: list[Row] = await (await driver_of(session)).fetch(text, *values)
    return rows


async def each(session: AsyncSession, text: str, values: Sequence[Any]) -> AsyncIterator[Row]:
    """Row by row through a cursor of the server, in bounded memory."""
    driver = await driver_of(session)
    async for row in driver.cursor(text, *values, prefetch=200):
        yield row
