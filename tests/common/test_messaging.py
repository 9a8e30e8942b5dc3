"""Outbox → relay → JetStream → consumer, with real components. Each event takes effect once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import nats
import nats.errors
import pytest
import sqlalchemy as sa
from common.db.endings import EVENTS_KEPT
from common.db.session import Database
from common.events.directory import CapacityChanged
from common.events.envelope import Envelope
from common.events.readers import READ_BY, stream_name
from common.http import server
from common.ids import new_id
from common.messaging import Broker, Consumer, Relay, Subscription, append
from common.messaging.consumer import Replayed
from common.messaging.outbox import republish
from common.process.telemetry import Metrics
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession
from stack.embedded.nats import NatsServer

from tests.common import sample
from tests.support.patience import PATIENCE

STREAM = "RUTA_DIRECTORY"


def event(version: int = 1, service: UUID | None = None) -> CapacityChanged:
    return CapacityChanged(
        version=version,
        service_id=service or new_id(),
        organisation_id=new_id(),
        referable=True,
    )


async def write(database: Database, *events: CapacityChanged) -> list[UUID]:
    async with database.transaction() as session:
        return [await append(session, sample.TABLES, e) for e in events]


@dataclass
class Reader:
    """A handler that collects the events it received, and fails on demand."""

    seen: list[UUID] = field(default_factory=list)
    fail: Callable[[CapacityChanged], bool] = lambda _e: False
    ask: Callable[[AsyncSession, CapacityChanged], Awaitable[Any]] | None = None
    pause: float = 0
    together: list[int] = field(default_factory=list)

    async def many(
        self, session: AsyncSession, received: Sequence[tuple[CapacityChanged, Envelope]]
    ) -> None:
        before = len(self.seen)
        try:
            for event, envelope in received:
                await self(session, event, envelope)
        except RuntimeError:
            del self.seen[before:]  # Rolled back.
            raise
        self.together.append(len(received))

    async def __call__(
        self, session: AsyncSession, event: CapacityChanged, _envelope: Envelope
    ) -> None:
        await asyncio.sleep(self.pause)
        if self.fail(event):
            raise RuntimeError("cannot be handled")
        if self.ask is not None:
            await self.ask(session, event)
        note = {"id": new_id(), "organisation_id": event.organisation_id, "size": event.version}
        await session.execute(sample.NOTES.insert().values(**note, text=str(event.service_id)))
        self.seen.append(event.service_id)


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = PATIENCE) -> None:
    for _ in range(int(seconds / 0.05)):
        result = condition()
        if result if isinstance(result, bool) else await result:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"not within {seconds} s")


async def _count(database: Database, statement: Any) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(statement) or 0)


def unpublished(database: Database) -> Callable[[], Awaitable[bool]]:
    outbox = sample.TABLES.outbox

    async def drained() -> bool:
        query = sa.select(sa.func.count()).select_from(outbox)
        return await _count(database, query.where(outbox.c.published_at.is_(None))) == 0

    return drained


@asynccontextmanager
async def running(settings: sample.Settings, database: Database, reader: Reader, **options: Any):  # type: ignore[no-untyped-def]  # yields the consumer
    """A running relay of `directory` and a running consumer of `referrals`."""
    stop = asyncio.Event()
    reading = settings.model_copy(
        update={
            "nats_user": "referrals",
            "nats_password": SecretStr(options["credentials"]["referrals"]),
        }
    )
    brokers = Broker(settings), Broker(reading)
    for broker in brokers:
        await broker.start()
    subscription = (
        Subscription(
            "directory", "referrals", [CapacityChanged], reader.many, at_once=50, writer_lock=7
        )
        if options.get("together")
        else Subscription.one_by_one("directory", "referrals", {CapacityChanged: reader})
    )
    metrics = Metrics()
    relay = Relay(settings, database, sample.TABLES, brokers[0], metrics)
    consumer = Consumer(subscription, database, sample.TABLES, brokers[1], metrics)
    tasks = [asyncio.create_task(relay.run(stop)), asyncio.create_task(consumer.run(stop))]
    try:
        yield consumer
    finally:
        stop.set()
        await asyncio.wait(tasks, timeout=PATIENCE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for broker in brokers:
            await broker.stop()


@pytest.fixture
def live(
    settings: sample.Settings, database: Database, nats_server: NatsServer, clean_stream: Any
) -> Callable[..., Any]:
    return lambda reader, **options: running(
        settings, database, reader, credentials=nats_server.credentials, **options
    )


async def test_every_event_has_its_effect_once(live: Any, database: Database) -> None:
    reader = Reader()
    written = [event() for _ in range(450)]  # More than two batches.
    async with live(reader):
        await write(database, *written)
        await until(lambda: len(reader.seen) == 450)
    assert sorted(reader.seen) == sorted(e.service_id for e in written)


async def test_what_has_arrived_is_taken_together_and_has_its_effect_once(
    live: Any, database: Database
) -> None:
    reader = Reader()
    written = [event() for _ in range(450)]
    await write(database, *written)
    async with live(reader, together=True), live(reader, together=True):
        await until(lambda: len(reader.seen) >= 450)
        await republish(
            database, sample.TABLES
        )  # These repeats fall within the broker's deduplication window, so the broker drops them.
        await write(database, event())
        await until(lambda: len(reader.seen) == 451)
    assert len(set(reader.seen)) == 451
    assert max(reader.together) > 1


async def test_of_events_taken_together_the_one_that_fails_is_found(
    live: Any,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("common.messaging.consumer.ATTEMPTS", 2)
    monkeypatch.setattr("common.messaging.consumer._PAUSE_SECONDS", 0.05)
    poison = event()
    reader = Reader(fail=lambda e: e.service_id == poison.service_id)
    letters = sample.TABLES.dead_letters
    await write(database, *(event() for _ in range(20)), poison, *(event() for _ in range(20)))
    async with live(reader, together=True):

        async def buried() -> bool:
            return await _count(database, sa.select(sa.func.count()).select_from(letters)) == 1

        await until(buried)
        await until(lambda: len(reader.seen) == 40)
    assert len(set(reader.seen)) == 40


async def test_events_of_one_aggregate_arrive_in_order(live: Any, database: Database) -> None:
    reader = Reader()
    async with live(reader):
        for version in range(1, 30):
            await write(database, event(version))
        await until(lambda: len(reader.seen) == 29)
    async with database.transaction() as session:
        sizes = (await session.scalars(sa.select(sample.NOTES.c.size).order_by("id"))).all()
    assert sizes == list(range(1, 30))


async def test_a_stream_that_is_lost_is_published_again_without_a_second_effect(
    live: Any, database: Database, clean_stream: Any
) -> None:
    reader = Reader()
    async with live(reader):
        await write(database, event(), event())
        await until(lambda: len(reader.seen) == 2)
        await clean_stream.purge_stream(STREAM)
        assert await republish(database, sample.TABLES) == 2
        await until(unpublished(database))
        await write(database, event())
        await until(lambda: len(reader.seen) == 3)
    assert len(set(reader.seen)) == 3


async def test_an_event_that_comes_again_after_the_brokers_window_has_no_second_effect(
    live: Any, database: Database, clean_stream: Any
) -> None:
    """The broker drops repeats for only two minutes; after that only the inbox recognises them."""
    reader = Reader()
    async with live(reader) as consumer:
        await write(database, event())
        await until(lambda: len(reader.seen) == 1)
        stored = await clean_stream.get_msg(STREAM, 1)
        await clean_stream.publish(stored.subject, stored.data)
        await write(database, event())
        await until(lambda: len(reader.seen) >= 2)
        await until(lambda: repeats_of(consumer) >= 1 or len(reader.seen) > 2)
    assert len(reader.seen) == len(set(reader.seen)) == 2


async def test_a_stream_ends_by_age_refuses_when_full_and_drops_repeats_for_a_while(
    live: Any, database: Database, clean_stream: Any
) -> None:
    """The broker itself reports these settings."""
    reader = Reader()
    async with live(reader):
        await write(database, event())
        await until(lambda: len(reader.seen) == 1)
        held = (await clean_stream.stream_info(STREAM)).config
    assert held.max_age == EVENTS_KEPT.total_seconds()
    assert held.discard == "new"
    assert held.max_bytes > 0
    assert held.duplicate_window == 120


def repeats_of(consumer: Consumer) -> int:
    """Return how many events the consumer recognised as repeats."""
    return int(consumer._metrics.handled.labels(consumer.name, "repeated")._value.get())


async def test_a_transaction_that_commits_late_still_has_its_event_delivered(
    live: Any, database: Database
) -> None:
    """The relay does not track its position by id, because it would then skip this event."""
    reader = Reader()
    late = event()
    async with live(reader):
        async with database.transaction() as session:
            await append(session, sample.TABLES, late)
            await session.flush()
            await write(database, event())
            await until(lambda: len(reader.seen) == 1)
        await until(lambda: len(reader.seen) == 2)
    assert late.service_id in reader.seen


async def test_a_rolled_back_change_publishes_nothing(live: Any, database: Database) -> None:
    reader = Reader()
    dropped = event()
    async with live(reader):

        async def changes_and_fails() -> None:
            async with database.transaction() as session:
                await append(session, sample.TABLES, dropped)
                raise RuntimeError("after the event was written")

        with pytest.raises(RuntimeError):
            await changes_and_fails()
        await write(database, event())
        await until(lambda: len(reader.seen) == 1)
    assert dropped.service_id not in reader.seen


async def test_a_poison_event_becomes_a_dead_letter_and_the_others_proceed(
    live: Any,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("common.messaging.consumer.ATTEMPTS", 2)
    monkeypatch.setattr("common.messaging.consumer._PAUSE_SECONDS", 0.05)
    poison = event()
    reader = Reader(fail=lambda e: e.service_id == poison.service_id)
    letters = sample.TABLES.dead_letters
    async with live(reader) as consumer:
        await write(database, poison, event(), event())
        await until(lambda: len(reader.seen) == 2)

        async def buried() -> bool:
            return await _count(database, sa.select(sa.func.count()).select_from(letters)) == 1

        await until(buried)
        failed = await consumer.replay_dead_letters()
        assert (failed.resolved, len(failed.failures)) == (0, 1)
        assert failed.failures[0].keys() == {"consumer", "event", "subject", "error"}
        command: Any = server.OPERATIONS["replay-dead-letters"]
        assert await command(SimpleNamespace(consumers=[consumer])) == 1, "its exit code tells"
        told = capsys.readouterr()
        assert [json.loads(line) for line in told.out.splitlines()] == failed.failures
        assert len(told.err.splitlines()) == 1
        reader.fail = lambda _e: False
        assert await consumer.replay_dead_letters() == Replayed(1, [])
        assert await consumer.replay_dead_letters() == Replayed(0, [])
    assert poison.service_id in reader.seen


async def ask_for_too_much(session: AsyncSession, event: CapacityChanged) -> None:
    await session.execute(sa.select(sample.NOTES).where(sample.NOTES.c.size == event.version << 40))


async def test_a_value_that_no_try_can_store_becomes_a_dead_letter(
    live: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.messaging.consumer.ATTEMPTS", 1)
    letters = sample.TABLES.dead_letters

    async def buried() -> bool:
        return await _count(database, sa.select(sa.func.count()).select_from(letters)) == 1

    async with live(Reader(ask=ask_for_too_much)):
        await write(database, event())
        await until(buried)


async def test_a_connection_that_ends_in_the_middle_delays_an_event_and_buries_none(
    live: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.messaging.consumer.ATTEMPTS", 1)
    monkeypatch.setattr("common.messaging.consumer._PAUSE_SECONDS", 0.05)
    ended: list[UUID] = []

    async def end_connection(session: AsyncSession, event: CapacityChanged) -> None:
        if not ended:
            ended.append(event.service_id)
            await session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    reader = Reader(ask=end_connection)
    async with live(reader):
        told = event()
        await write(database, told)
        await until(lambda: len(reader.seen) == 1)
    assert reader.seen == ended == [told.service_id]
    letters = sample.TABLES.dead_letters
    assert await _count(database, sa.select(sa.func.count()).select_from(letters)) == 0


async def test_what_is_no_event_becomes_a_dead_letter_at_once(
    live: Any, database: Database, clean_stream: Any
) -> None:
    reader = Reader()
    letters = sample.TABLES.dead_letters
    async with live(reader):
        await write(database, event())
        await until(lambda: len(reader.seen) == 1)
        await clean_stream.publish(CapacityChanged.SUBJECT, b"{not json")
        await write(database, event())
        await until(lambda: len(reader.seen) == 2)
        assert await _count(database, sa.select(sa.func.count()).select_from(letters)) == 1


async def test_the_broker_gives_no_event_up_before_it_is_a_dead_letter(clean_stream: Any) -> None:
    for producer, readers in READ_BY.items():
        for reader in readers:
            known = await clean_stream.consumer_info(stream_name(producer), reader)
            assert known.config.max_deliver == -1, (producer, reader)


async def test_what_the_broker_did_not_take_waits_in_the_outbox(
    settings: sample.Settings, database: Database, clean_stream: Any
) -> None:
    await clean_stream.delete_stream(STREAM)
    broker = Broker(settings)
    await broker.start()
    try:
        await write(database, event())
        relay = Relay(settings, database, sample.TABLES, broker, Metrics())
        with pytest.raises(nats.errors.Error):
            await relay.publish_batch()
    finally:
        await broker.stop()
    assert not await unpublished(database)()


async def test_only_the_relay_that_holds_the_lock_publishes_and_the_next_takes_over(
    settings: sample.Settings, database: Database, clean_stream: Any
) -> None:
    """Two relays at once would publish the events of one aggregate out of order."""
    first, second = Relaying(settings, database), Relaying(settings, database)
    async with second.broker_running():
        async with first.broker_running(), first.running():
            await write(database, event())
            await until(unpublished(database))
            async with second.running():
                for _ in range(50):
                    await write(database, event())
                await until(unpublished(database))
                assert (first.published, second.published) == (51, 0)
                first.stop.set()
                await write(database, event())
                await until(unpublished(database))
        assert second.published == 1


class Relaying:
    """One of the service's relays, and the number of events that it published."""

    def __init__(self, settings: sample.Settings, database: Database) -> None:
        self.stop = asyncio.Event()
        self._broker, self._metrics = Broker(settings), Metrics()
        self._relay = Relay(settings, database, sample.TABLES, self._broker, self._metrics)

    @property
    def published(self) -> int:
        return int(self._metrics.published.labels(CapacityChanged.SUBJECT)._value.get())

    @asynccontextmanager
    async def broker_running(self) -> AsyncIterator[None]:
        await self._broker.start()
        try:
            yield
        finally:
            await self._broker.stop()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._relay.run(self.stop))
        try:
            yield
        finally:
            self.stop.set()
            await task
