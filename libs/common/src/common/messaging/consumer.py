"""Durable consumers: each event takes effect once, even if the broker repeats or reorders it.

The inbox row and the effect share one transaction, and the message is acknowledged after the commit. An event that
keeps failing becomes a dead letter, so that the others can proceed. A consumer may apply all arrived events in one
transaction. If that fails, it applies them one by one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import nats.errors
import sqlalchemy as sa
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from opentelemetry.trace import SpanKind
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common import clock
from common.db import errors as database_errors
from common.db.session import Database, retrying
from common.db.tables import CommonTables
from common.events.base import Event
from common.events.envelope import Envelope
from common.events.readers import stream_name
from common.messaging.connection import Broker, BrokerDown
from common.messaging.pull_request import pulling
from common.process.logs import get_logger
from common.process.loops import pause
from common.process.telemetry import Metrics, going_on

_log = get_logger(__name__)
Handler: TypeAlias = Callable[[AsyncSession, Any, Envelope], Awaitable[None]]
ManyHandler: TypeAlias = Callable[[AsyncSession, Sequence[tuple[Any, Envelope]]], Awaitable[None]]

ATTEMPTS = 5
_HEARTBEAT_SECONDS = 10
_PAUSE_SECONDS = 1.0
TOGETHER = 50
"""The most events that a reader takes at once. More would be worth a COPY, for which the driver names a statement that
a pooler could hand to others."""


@dataclass(frozen=True)
class Subscription:
    """One service's subscription to another service's events. `durable` is the reading service's name (or a part of
    it). `apply` handles up to `at_once` events in one transaction. A number above one suits readers whose effects block
    each other anyway, such as counters. Such a reader takes the advisory lock `writer_lock` first."""

    producer: str
    durable: str
    kinds: Sequence[type[Event]]
    apply: ManyHandler
    at_once: int = 1
    writer_lock: int | None = None

    @classmethod
    def one_by_one(
        cls, producer: str, durable: str, handlers: Mapping[type[Event], Handler]
    ) -> "Subscription":
        """Return a subscription that handles each event by its kind, in its own transaction."""

        async def apply(session: AsyncSession, received: Sequence[tuple[Any, Envelope]]) -> None:
            for event, envelope in received:
                await handlers[type(event)](session, event, envelope)

        return cls(producer, durable, tuple(handlers), apply)

    def kind_of(self, subject: str) -> type[Event] | None:
        return next((kind for kind in self.kinds if subject == kind.SUBJECT), None)


class Consumer:
    def __init__(
        self,
        subscription: Subscription,
        database: Database,
        tables: CommonTables,
        broker: Broker,
        metrics: Metrics,
    ) -> None:
        self._subscription = subscription
        self.name = f"{subscription.producer}/{subscription.durable}"
        self._database = database
        self._tables = tables
        self._broker = broker
        self._metrics = metrics
        self._lag = metrics.consumer_lag.labels(self.name)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`. Wait while NATS or the stream is unavailable."""
        while not stop.is_set():
            try:
                await self._consume(await self._broker.jetstream(), stop)
            except (BrokerDown, NotFoundError, nats.errors.Error, TimeoutError, OSError) as error:
                _log.debug("consumer_waits", consumer=self.name, reason=type(error).__name__)
                await pause(stop, _PAUSE_SECONDS)

    async def _consume(self, jetstream: JetStreamContext, stop: asyncio.Event) -> None:
        generation = self._broker.generation
        stream = stream_name(self._subscription.producer)
        durable = self._subscription.durable
        await jetstream.consumer_info(
            stream, durable
        )  # NotFoundError is raised until the operator creates it
        async with pulling(self._broker.client(), stream, durable, stop) as pull:
            while not stop.is_set() and generation == self._broker.generation:
                message = await pull.next()
                if message is not None:
                    await self.handle([message, *pull.arrived(self._subscription.at_once - 1)])
                    self._lag.set(message.metadata.num_pending)
                elif not stop.is_set():
                    # Raises NotFoundError if the consumer is gone, for example after the broker's storage was wiped.
                    await jetstream.consumer_info(stream, durable)

    async def handle(self, messages: Sequence[Msg]) -> None:
        """Apply each message once, then acknowledge it. On failure, postpone it or make it a dead letter."""
        try:
            async with _kept_in_progress(*messages):
                data = [message.data for message in messages]
                applied = await retrying(lambda: self._apply(data))
        except Exception as error:  # noqa: BLE001 - a handler's failure must not stop the others
            await self._not_applied(messages, error)
            return
        self._metrics.handled.labels(self.name, "applied").inc(applied)
        self._metrics.handled.labels(self.name, "repeated").inc(len(messages) - applied)
        await asyncio.gather(*(message.ack_sync(timeout=5) for message in messages))

    async def _apply(self, messages: Sequence[bytes]) -> int:
        """Apply the messages and return how many took effect now. Repeated and irrelevant messages do not count."""
        received: dict[UUID, tuple[Event, Envelope]] = {}
        for message in messages:
            envelope = Envelope.model_validate_json(message)
            kind = self._subscription.kind_of(envelope.type)
            if kind is not None:
                received.setdefault(envelope.id, (kind.model_validate(envelope.data), envelope))
        with contextlib.ExitStack() as spans:
            for (
                _,
                envelope,
            ) in received.values():  # continue the trace of the request that wrote the event
                said = f"handle {envelope.type}"
                spans.enter_context(going_on(said, envelope.traceparent, SpanKind.CONSUMER))
            async with self._database.transaction() as session:
                if (lock := self._subscription.writer_lock) is not None:
                    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
                # always in the same order, so that two replicas cannot deadlock
                first = await self._seen_first(session, sorted(received))
                events = [each for id_, each in received.items() if id_ in first]
                if events:
                    await self._subscription.apply(session, events)
        return len(events)

    async def _seen_first(self, session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
        """Add the events to the inbox; return the ids that were new."""
        if not ids:
            return set()
        inbox, now = self._tables.inbox, clock.now()
        rows = [{"consumer": self.name, "event_id": each, "handled_at": now} for each in ids]
        statement = insert(inbox).values(rows).on_conflict_do_nothing()
        return set(await session.scalars(statement.returning(inbox.c.event_id)))

    async def _not_applied(self, messages: Sequence[Msg], error: Exception) -> None:
        if isinstance(error, database_errors.OF_DATABASE) and not _is_refused(error):
            # The events are valid, but the database is unavailable, so return them to the broker and wait.
            for message in messages:
                await message.nak(delay=_PAUSE_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)
        elif len(messages) == 1:
            await self._failed(messages[0], error)
        else:
            for message in messages:
                await self.handle([message])

    async def _failed(self, message: Msg, error: Exception) -> None:
        attempts = message.metadata.num_delivered or 1
        hopeless = isinstance(error, ValidationError)
        _log.warning("event_failed", consumer=self.name, subject=message.subject, exc_info=error)
        if attempts < ATTEMPTS and not hopeless:
            self._metrics.handled.labels(self.name, "failed").inc()
            await message.nak(delay=_PAUSE_SECONDS * 2**attempts)
            return
        await self._bury(message, error)
        self._metrics.handled.labels(self.name, "dead").inc()
        await message.ack_sync(timeout=5)

    async def _bury(self, message: Msg, error: Exception) -> None:
        headers = message.headers or {}
        position = message.metadata.sequence.stream
        event_id = headers.get("Nats-Msg-Id") or f"{message.metadata.stream}:{position}"
        async with self._database.transaction() as session:
            await session.execute(
                insert(self._tables.dead_letters)
                .values(
                    consumer=self.name,
                    event_id=event_id,
                    subject=message.subject,
                    message=message.data,
                    error=type(error).__name__,  # messages quote values
                    failed_at=clock.now(),
                )
                .on_conflict_do_nothing()
            )

    async def replay_dead_letters(
        self, progress: Callable[[int, int], object] = lambda _done, _total: None
    ) -> "Replayed":
        """Apply unresolved dead letters again, oldest first. `progress` receives the number tried and the total."""
        table = self._tables.dead_letters
        async with self._database.transaction() as session:
            rows = (
                await session.execute(
                    sa.select(table.c.event_id, table.c.subject, table.c.message)
                    .where(table.c.consumer == self.name, table.c.resolved_at.is_(None))
                    .order_by(table.c.failed_at)
                )
            ).all()
        failures: list[Mapping[str, str]] = []
        for number, row in enumerate(rows, start=1):
            progress(number, len(rows))
            try:
                await self._apply([row.message])
            except Exception as error:  # noqa: BLE001 - it stays a dead letter
                failed = {"event": row.event_id, "subject": row.subject}
                # Only the error class, because messages quote values.
                failures.append({"consumer": self.name, **failed, "error": type(error).__name__})
                continue
            async with self._database.transaction() as session:
                await session.execute(
                    table.update()
                    .where(table.c.consumer == self.name, table.c.event_id == row.event_id)
                    .values(resolved_at=clock.now())
                )
        return Replayed(len(rows) - len(failures), failures)


@dataclass(frozen=True)
class Replayed:
    """The number of applied dead letters, and the dead letters that still fail, with the reasons."""

    resolved: int
    failures: Sequence[Mapping[str, str]]


def _is_refused(error: Exception) -> bool:
    """Return whether the database refused the data, as opposed to being unavailable."""
    refused = {
        "23",
        "42",
        "P0",
    }  # integrity, syntax or access error, or an error raised by our own functions
    return database_errors.is_out_of_range(error) or database_errors.sqlstate(error)[:2] in refused


@asynccontextmanager
async def _kept_in_progress(*messages: Msg) -> AsyncIterator[None]:
    """Tell the broker every ten seconds that a slow handler is still working."""

    async def beat() -> None:
        while True:
            for message in messages:
                await message.in_progress()
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    beating: list[asyncio.Task[None]] = []
    # Few handlers are slow, so the task starts only for a slow one.
    later = asyncio.get_running_loop().call_later(
        _HEARTBEAT_SECONDS, lambda: beating.append(asyncio.create_task(beat()))
    )
    try:
        yield
    finally:
        later.cancel()
        for task in beating:
            task.cancel()
