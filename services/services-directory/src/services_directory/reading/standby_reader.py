"""Reads stored documents at a standby, once it knows what the primary knew; else at the primary."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from common.positions import Position
from common.standby import (
    CONNECT_SECONDS,
    STATEMENT_SECONDS,
    WHERE_STANDBY,
    Standby,
    reached,
)

from services_directory.reading.rows_queries import Reader, Row

STANDBY_READER = "standby_reader"


class StandbyReader:
    """Every connection first shows that its server is far enough. It belongs to one server, to however many the
    address leads, and no server goes back: what it has shown is not asked again."""

    def __init__(self, url: str, *, size: int, name: str) -> None:
        # Never through PgBouncer: there one statement might be asked here and the next one there.
        self._reader = Reader(
            url,
            size=size,
            via_pgbouncer=False,
            name=name,
            connect_seconds=CONNECT_SECONDS,
            statement_seconds=STATEMENT_SECONDS,
        )
        self._shown: WeakKeyDictionary[asyncpg.Connection, Position] = WeakKeyDictionary()

    async def fetch_at(
        self, wanted: Position, text: str, values: Sequence[Any], *, afresh: bool
    ) -> list[Row]:
        async def ready(connection: asyncpg.Connection) -> None:
            shown = self._shown.get(connection)
            if shown is not None and shown.includes(wanted):
                return

            async def ask() -> Sequence[Any]:
                (row,) = await connection.fetch(WHERE_STANDBY)
                return tuple(row)

            self._shown[connection] = await reached(ask, wanted)

        return await self._reader.fetch_when(ready, text, values, afresh=afresh)

    async def close(self) -> None:
        await self._reader.close()


class EitherReader:
    """What answers one request: all its questions know what had happened when the first was asked."""

    def __init__(self, standby: Standby, there: StandbyReader, here: Reader) -> None:
        self._reading = standby.reading()
        self._there, self._here = there, here

    async def fetch(self, text: str, values: Sequence[Any], *, afresh: bool = False) -> list[Row]:
        return await self._reading.either(
            lambda wanted: self._there.fetch_at(wanted, text, values, afresh=afresh),
            lambda: self._here.fetch(text, values, afresh=afresh),
        )
