"""Runs a statement on the driver itself: stored bodies go out as they came in."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Protocol

import asyncpg
from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.reading.asked_together import AskedTogether
from services_directory.reading.kept_rows import KeptRows

Row = Record
STATEMENT_SECONDS = 30.0
CONNECT_SECONDS = 5.0
_LOST = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    ConnectionError,
    # What the driver says where the server's last words come in with the question.
    asyncpg.InternalClientError,
)


class SelectReader(Protocol):
    """What answers a single SELECT: the reader, or a test's or benchmark's own."""

    async def fetch(
        self, text: str, values: Sequence[Any], *, afresh: bool = False
    ) -> list[Row]: ...


class Reader:
    """Single SELECTs outside any transaction of ours: each is one round trip and one snapshot.

    Reads of stored documents need nothing else: what a caller may see is decided in the statement,
    and nothing depends on settings of the session. So a connection is taken from a stack and laid
    back; a general pool's checks and resets would cost as much as the statement.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int,
        via_pgbouncer: bool,
        name: str,
        connect_seconds: float = CONNECT_SECONDS,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._name = name
        self._connect_seconds, self._statement_seconds = connect_seconds, statement_seconds
        self._via_pgbouncer = via_pgbouncer
        self._cache = 0 if via_pgbouncer else 200
        self._idle: dict[bool, list[asyncpg.Connection]] = {False: [], True: []}
        self._free = asyncio.Semaphore(size)
        self.kept = KeptRows()
        self._together: dict[str, AskedTogether] = {}

    async def fetch(self, text: str, values: Sequence[Any], *, afresh: bool = False) -> list[Row]:
        """The rows; asked once more on a new connection if the first had been lost meanwhile.

        `afresh` plans the statement for these values. A search needs it: a plan for any words in
        any area reads half the table for words that are rare. By id, or by an index that is named in
        the question, any plan is the same plan: it is made once, which takes longer than to run it.
        """
        async with self._free:
            try:
                return await self._once(text, values, afresh=afresh)
            except _LOST:
                await self._drop(afresh=afresh)  # what one lost, the others lost as well
                return await self._once(text, values, afresh=afresh)

    async def fetch_together(self, text: str) -> list[Row]:
        """As `fetch`, of one of few questions without values, asked once for all who wait for it."""
        if text not in self._together:
            self._together[text] = AskedTogether(partial(self.fetch, text, []))
        rows: list[Row] = await self._together[text].answer()
        return rows

    async def _once(self, text: str, values: Sequence[Any], *, afresh: bool) -> list[Row]:
        idle = self._idle[afresh]
        connection = idle.pop() if idle else await self._connect(afresh=afresh)
        try:
            rows: list[Row] = await connection.fetch(text, *values)
        except asyncpg.PostgresError:
            self._lay_back(connection, afresh=afresh)
            raise
        except BaseException:
            # Broken off in the middle of an answer: nobody can use it again.
            self._throw_away([connection])
            raise
        idle.append(connection)
        return rows

    def _lay_back(self, connection: asyncpg.Connection, *, afresh: bool) -> None:
        if not connection.is_closed():
            self._idle[afresh].append(connection)

    async def _connect(self, *, afresh: bool) -> asyncpg.Connection:
        # PgBouncer lets nobody in who begins with these. Behind it each statement is planned for its values anyway, and
        # what the server itself says of JIT counts.
        planned = "custom" if afresh else "generic"
        planning = {"jit": "off", "plan_cache_mode": f"force_{planned}_plan"}
        return await asyncpg.connect(
            self._url,
            timeout=self._connect_seconds,
            command_timeout=self._statement_seconds,
            statement_cache_size=self._cache,
            server_settings={
                "application_name": self._name,
                "timezone": "UTC",
                **({} if self._via_pgbouncer else planning),
            },
        )

    async def _drop(self, *, afresh: bool) -> None:
        lost, self._idle[afresh] = self._idle[afresh], []
        self._throw_away(lost)

    def _throw_away(self, lost: Sequence[asyncpg.Connection]) -> None:
        """Who answers next may be another server, with another history: there the transaction under which something
        is kept may be another one."""
        self.kept.forget_all()
        for connection in lost:
            connection.terminate()

    async def close(self) -> None:
        for afresh, idle in self._idle.items():
            self._idle[afresh] = []
            for connection in idle:
                await connection.close()


async def driver_of(session: AsyncSession) -> Any:
    """The asyncpg connection of the session; its transaction has begun."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def fetch(
    asked: AsyncSession | SelectReader, text: str, values: Sequence[Any], *, afresh: bool = False
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
