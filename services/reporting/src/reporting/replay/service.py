"""Rebuild into the shadow, then swap names with the live projection, which answers until then.

Runs as the database's owner (only an owner renames schemas) and with the operator's NATS
permissions (no service may read another's stream outside its own durable consumer).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from nats.js import JetStreamContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from reporting.errors import ReplayRunningError
from reporting.facts import queries
from reporting.facts.service import WRITER_LOCK, Recorder
from reporting.facts.sources import SOURCES
from reporting.replay.fingerprint import fingerprint, projection_tables
from reporting.replay.history import Batch, History
from reporting.tables import PROJECTION, SHADOW

_REPLAY_LOCK = 0x52555250
_SHADOWED = {"schema_translate_map": {PROJECTION: SHADOW}}


@dataclass(frozen=True)
class Rebuilt:
    """How many events were read, and what the projection said before and says after."""

    events: int
    hash_before: str
    hash_after: str

    @property
    def equal(self) -> bool:
        return self.hash_before == self.hash_after


async def replay(engine: AsyncEngine, jetstream: JetStreamContext, recorder: Recorder) -> Rebuilt:
    """Rebuild the projection from the streams and swap it in.

    Raises ReplayRunningError if another rebuild is at work. Whatever fails before the swap leaves
    the live projection as it was.
    """
    histories = [History(jetstream, producer, kinds) for producer, kinds in SOURCES]
    async with _locked(engine, _REPLAY_LOCK) as got:
        if not got:
            raise ReplayRunningError("another rebuild is at work")
        await _empty_shadow(engine)
        opened = [history for history in histories if await history.open()]
        try:
            events = await _catch_up(engine, recorder, opened)
            # From here nobody writes the projection: read what came meanwhile, compare, swap.
            async with _locked(engine, WRITER_LOCK, wait=True):
                events += await _catch_up(engine, recorder, opened)
                before, after = await _fingerprints(engine)
                await _swap(engine)
        finally:
            for history in opened:
                await history.close()
    return Rebuilt(events, before, after)


async def _catch_up(engine: AsyncEngine, recorder: Recorder, histories: Sequence[History]) -> int:
    events = 0
    for history in histories:
        async for batch in history.batches():
            await _record(engine, recorder, batch)
            events += len(batch)
    return events


async def _record(engine: AsyncEngine, recorder: Recorder, batch: Batch) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await session.connection(execution_options=_SHADOWED)
        seen = await queries.seen_events(session, [envelope.id for _, envelope in batch])
        await recorder.record(session, batch, seen=seen)


async def _empty_shadow(engine: AsyncEngine) -> None:
    names = ", ".join(f"{SHADOW}.{table.name}" for table in projection_tables())
    async with engine.begin() as connection:
        await connection.execute(sa.text(f"TRUNCATE {names}"))


async def _fingerprints(engine: AsyncEngine) -> tuple[str, str]:
    async with engine.connect() as connection:
        before = await fingerprint(connection)
    async with engine.connect() as connection:
        shadowed = await connection.execution_options(**_SHADOWED)
        return before, await fingerprint(shadowed)


async def _swap(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for old, new in ((PROJECTION, "swapping"), (SHADOW, PROJECTION), ("swapping", SHADOW)):
            await connection.execute(sa.text(f"ALTER SCHEMA {old} RENAME TO {new}"))


@asynccontextmanager
async def _locked(engine: AsyncEngine, lock: int, *, wait: bool = False) -> AsyncIterator[bool]:
    """Hold an advisory lock on a connection of its own; False if another holds it."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        got = await _take(connection, lock, wait=wait)
        try:
            yield got
        finally:
            if got:
                await connection.execute(sa.select(sa.func.pg_advisory_unlock(lock)))


async def _take(connection: AsyncConnection, lock: int, *, wait: bool) -> bool:
    if not wait:
        return bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(lock))))
    await connection.execute(sa.select(sa.func.pg_advisory_lock(lock)))
    return True
