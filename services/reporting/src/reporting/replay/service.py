"""Rebuilds into a shadow, then swaps names with the live projection, which serves requests until then.

Events are kept for half a year. After that, a rebuild begins from the current projection. Recording depends only on the
set of events. Events still in the streams therefore change no existing facts and only add missing ones.

It runs as the database owner (only an owner can rename schemas) and with the operator's NATS permissions (no service
may read another's stream outside its own durable consumer).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from common import clock
from common.db.endings import EVENTS_KEPT
from common.events.base import Event
from common.events.envelope import Envelope
from common.events.readers import stream_name
from common.ids import first_id_of
from common.messaging.pull_request import Gathering
from common.process.logs import get_logger
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from reporting.count.facts import queries
from reporting.count.facts.received import Received
from reporting.errors import HistoryIncompleteError, ReplayRunningError
from reporting.recording.service import Recorder
from reporting.recording.sources import CONSUMERS, SOURCES
from reporting.replay.fingerprint import fingerprint, projection_tables
from reporting.tables import COMMON, PROJECTION, SHADOW, WRITER_LOCK

_log = get_logger(__name__)
BATCH = 5000
_GATHER_SECONDS = 5.0
_INACTIVE_SECONDS = 600.0

Batch = list[Received]


class History:
    """A producer's stream, read from its first event. Requires the operator's NATS permissions."""

    def __init__(self, client: Client, producer: str, kinds: Sequence[type[Event]]) -> None:
        self.producer = producer
        self._client = client
        self._stream = stream_name(producer)
        self._kinds = {kind.SUBJECT: kind for kind in kinds}
        self._consumer = ""
        self._gathering: Gathering | None = None

    async def open(self) -> bool:
        """Start at the beginning. Return False if the producer has no stream yet."""
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.ALL,
            filter_subjects=sorted(self._kinds),
            inactive_threshold=_INACTIVE_SECONDS,
            mem_storage=True,
        )
        try:
            made = await self._client.jetstream().add_consumer(self._stream, config)
        except NotFoundError:
            return False
        self._consumer = made.name
        self._gathering = Gathering(self._client, self._stream, made.name)
        await self._gathering.open()
        return True

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield unread events up to the current end of the stream."""
        while self._gathering is not None and await self._pending():
            messages = await self._gathering.batch(BATCH, _GATHER_SECONDS)
            read = (self._read(message) for message in messages)
            yield [event for event in read if event is not None]

    def _read(self, message: Msg) -> Received | None:
        """Return the event, or None for an event that the live reader also treated as a dead letter."""
        try:
            envelope = Envelope.model_validate_json(message.data)
            return self._kinds[envelope.type].model_validate(envelope.data), envelope
        except (ValueError, KeyError) as error:
            _log.warning("event_skipped", producer=self.producer, reason=type(error).__name__)
            return None

    async def _pending(self) -> int:
        told = await self._client.jetstream().consumer_info(self._stream, self._consumer)
        return told.num_pending or 0

    async def close(self) -> None:
        if self._gathering is not None:
            await self._gathering.close()


_REPLAY_LOCK = 0x52555250
_MISSING_SECONDS = 120.0
_MISSING_PAUSE = 0.5
_MARGIN = timedelta(days=1)
"""Events about to expire may expire while they are read."""
_REPLAYED = sa.table("replayed", sa.column("event_id", sa.Uuid))
_SHADOWED: Mapping[str, Any] = {"schema_translate_map": {PROJECTION: SHADOW}}


@dataclass(frozen=True)
class Rebuilt:
    """The number of events read, and the projection's hashes before and after. `carried_on` means that the rebuild
    began from the current projection, because the streams do not reach back far enough."""

    events: int
    hash_before: str
    hash_after: str
    carried_on: bool

    @property
    def equal(self) -> bool:
        return self.hash_before == self.hash_after


async def replay(engine: AsyncEngine, client: Client, recorder: Recorder) -> Rebuilt:
    """Rebuild the projection from the streams and swap it in. Raise ReplayRunningError if another rebuild is running,
    HistoryIncompleteError if the streams lack events that have taken effect. Any failure before the swap leaves the
    live projection unchanged."""
    async with _locked(engine, _REPLAY_LOCK) as lock:
        if lock is None:
            raise ReplayRunningError("another rebuild is already running")
        await _empty_shadow(engine)
        async with _opened(client) as histories, _recording(engine) as recording:
            rebuild = _Rebuild(engine, recorder, histories, replayed=lock, recording=recording)
            await rebuild.begin()
            await rebuild.catch_up()
            await rebuild.wait_for_missing()
            # From here on nobody writes to the projection: read new events, compare, swap.
            async with _locked(engine, WRITER_LOCK, wait=True):
                await rebuild.catch_up()
                before, after = await _fingerprints(engine)
                await _swap(engine)
    return Rebuilt(rebuild.events, before, after, rebuild.carried_on)


class _Rebuild:
    """Fills the shadow, and records the replayed events in a temporary table."""

    def __init__(
        self,
        engine: AsyncEngine,
        recorder: Recorder,
        histories: Sequence[History],
        *,
        replayed: AsyncConnection,
        recording: AsyncConnection,
    ) -> None:
        self.events = 0
        self.carried_on = False
        self._kept_since = first_id_of(clock.now() - EVENTS_KEPT + _MARGIN)
        self._engine = engine
        self._recorder = recorder
        self._histories = histories
        self._replayed = replayed
        self._recording = recording

    async def begin(self) -> None:
        await self._replayed.execute(sa.text("CREATE TEMP TABLE replayed (event_id uuid)"))
        inbox = COMMON.inbox
        # The first row of each reader is never deleted (`common.db.endings`).
        let_go = sa.exists().where(
            inbox.c.consumer.in_(CONSUMERS), inbox.c.event_id < self._kept_since
        )
        self.carried_on = bool(await self._replayed.scalar(sa.select(let_go)))
        if self.carried_on:
            await _carry_over(self._engine)

    async def catch_up(self) -> None:
        """Record the unread events in the streams."""
        for history in self._histories:
            async for batch in history.batches():
                await self._record(batch)
                self.events += len(batch)

    async def wait_for_missing(self) -> None:
        """Wait for events that are still in transit from the outboxes to a stream that was lost."""
        for _ in range(int(_MISSING_SECONDS / _MISSING_PAUSE)):
            missing = await self._missing()
            if not missing:
                return
            await asyncio.sleep(_MISSING_PAUSE)
            await self.catch_up()
        raise HistoryIncompleteError(
            "{missing} events that were applied before are missing from the streams: publish them again from the outboxes (--from outbox); nothing was changed",
            missing=missing,
        )

    async def _record(self, batch: Batch) -> None:
        ids = [envelope.id for _, envelope in batch]
        if ids:
            await self._replayed.execute(_REPLAYED.insert(), [{"event_id": id_} for id_ in ids])
        async with AsyncSession(self._recording) as session, session.begin():
            seen = await queries.seen_events(session, ids)
            await self._recorder.record(session, batch, seen=seen)

    async def _missing(self) -> int:
        inbox = COMMON.inbox
        statement = sa.select(sa.func.count()).where(
            inbox.c.consumer.in_(CONSUMERS),
            inbox.c.event_id >= self._kept_since,
            ~sa.exists().where(_REPLAYED.c.event_id == inbox.c.event_id),
        )
        return int(await self._replayed.scalar(statement) or 0)


@asynccontextmanager
async def _opened(client: Client) -> AsyncIterator[list[History]]:
    """Open the histories of producers that have a stream."""
    histories = [History(client, producer, kinds) for producer, kinds in SOURCES]
    opened = [history for history in histories if await history.open()]
    try:
        yield opened
    finally:
        for history in opened:
            await history.close()


@asynccontextmanager
async def _recording(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Use a single connection, which writes to the shadow, for all batches."""
    async with engine.connect() as connection:
        # A cached plan would be based on the empty shadow.
        await connection.execute(sa.text("SET plan_cache_mode = force_custom_plan"))
        await connection.commit()
        await connection.execution_options(**_SHADOWED)
        yield connection


async def _empty_shadow(engine: AsyncEngine) -> None:
    names = ", ".join(f"{SHADOW}.{table.name}" for table in projection_tables())
    async with engine.begin() as connection:
        await connection.execute(sa.text(f"TRUNCATE {names}"))


async def _carry_over(engine: AsyncEngine) -> None:
    """Fill the shadow from a snapshot of the projection."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            for table in projection_tables():
                columns = ", ".join(f'"{column.name}"' for column in table.columns)
                await connection.execute(
                    sa.text(
                        f"INSERT INTO {SHADOW}.{table.name} ({columns})"  # noqa: S608 - our own names
                        f" SELECT {columns} FROM {PROJECTION}.{table.name}"
                    )
                )


async def _fingerprints(engine: AsyncEngine) -> tuple[str, str]:
    """Return the fingerprints of the live projection and of the shadow, while nobody writes to either."""
    return await _fingerprint(engine, {}), await _fingerprint(engine, _SHADOWED)


async def _fingerprint(engine: AsyncEngine, options: Mapping[str, Any]) -> str:
    async with engine.connect() as connection:
        return await fingerprint(await connection.execution_options(**options))


async def _swap(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for old, new in ((PROJECTION, "swapping"), (SHADOW, PROJECTION), ("swapping", SHADOW)):
            await connection.execute(sa.text(f"ALTER SCHEMA {old} RENAME TO {new}"))


@asynccontextmanager
async def _locked(
    engine: AsyncEngine, lock: int, *, wait: bool = False
) -> AsyncIterator[AsyncConnection | None]:
    """Hold an advisory lock on a separate connection; yield None if another process holds it."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        got = await _take(connection, lock, wait=wait)
        try:
            yield connection if got else None
        finally:
            if got:
                await connection.execute(sa.select(sa.func.pg_advisory_unlock(lock)))


async def _take(connection: AsyncConnection, lock: int, *, wait: bool) -> bool:
    if not wait:
        return bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(lock))))
    await connection.execute(sa.select(sa.func.pg_advisory_lock(lock)))
    return True
