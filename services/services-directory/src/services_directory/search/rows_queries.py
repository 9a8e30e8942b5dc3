"""Runs a statement on the driver itself: stored bodies go out as they came in."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import asyncpg
from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

Row = Record
STATEMENT_SECONDS = 30.0
CONNECT_SECONDS = 5.0
_LOST = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, ConnectionError)


class Asks(Protocol):
    """What answers a single SELECT: the reader, or a test's or benchmark's own."""

    async def fetch(
        self, text: str, values: Sequence[Any], *, afresh: bool = False
    ) -> list[Row]: ...


class Reader:
    """Single SELECTs outside any transaction of ours: each is one round trip and one snapshot.

    Reads of stored documents need nothing else: what a caller may see is decided in the statement,
    and nothing depends on settings of the session. Connections are kept and are not reset between
    uses, because nothing here changes them.
    """

    def __init__(self, url: str, *, size: int, via_pgbouncer: bool, name: str) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._size = size
        self._name = name
        self._cache = 0 if via_pgbouncer else 200
        self._pools: dict[bool, asyncpg.Pool] = {}
        self._opening = asyncio.Lock()

    async def fetch(self, text: str, values: Sequence[Any], *, afresh: bool = False) -> list[Row]:
        """The rows; asked once more on a new connection if the first had been lost meanwhile.

        `afresh` plans the statement for these values. A search needs it: a plan for any words in
        any area reads half the table for words that are rare. By id, any plan is the same plan.
        """
        pool = self._pools.get(afresh) or await self._open(afresh=afresh)
        try:
            rows: list[Row] = await pool.fetch(text, *values)
        except _LOST:
            await pool.expire_connections()
            rows = await pool.fetch(text, *values)
        return rows

    async def _open(self, *, afresh: bool) -> asyncpg.Pool:
        async with self._opening:
            if afresh not in self._pools:
                plans = {"plan_cache_mode": "force_custom_plan"} if afresh else {}
                self._pools[afresh] = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=self._size,
                    timeout=CONNECT_SECONDS,
                    command_timeout=STATEMENT_SECONDS,
                    statement_cache_size=self._cache,
                    reset=_unchanged,
                    server_settings={
                        "application_name": self._name,
                        "timezone": "UTC",
                        "jit": "off",
                        **plans,
                    },
                )
            return self._pools[afresh]

    async def close(self) -> None:
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            await pool.close()


async def _unchanged(_connection: Any) -> None:
    """No reset: no statement of the reader leaves anything behind."""


async def driver_of(session: AsyncSession) -> Any:
    """The asyncpg connection of the session; its transaction has begun."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def fetch(
    asked: AsyncSession | Asks, text: str, values: Sequence[Any], *, afresh: bool = False
) -> list[Row]:
    """All rows: by the reader, or inside the session's transaction."""
    if not isinstance(asked, AsyncSession):
        return await asked.fetch(text, values, afresh=afresh)
    rows: list[Row] = await (await driver_of(asked)).fetch(text, *values)
    return rows


async def each(session: AsyncSession, text: str, values: Sequence[Any]) -> AsyncIterator[Row]:
    """Row by row through a cursor of the server, in bounded memory."""
    driver = await driver_of(session)
    async for row in driver.cursor(text, *values, prefetch=200):
        yield row
