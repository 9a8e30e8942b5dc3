"""Parts of an app that live as long as the process, and the background tasks beside its requests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import sqlalchemy as sa
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from common.crypto import key_from_base64
from common.db.migrations.state import Revisions
from common.db.session import Database
from common.db.tables import CommonTables
from common.http.answers import AnswerRule
from common.messaging.connection import Broker
from common.messaging.consumer import Consumer, Subscription
from common.messaging.relay import Relay
from common.process.repeating import repeat
from common.process.telemetry import Metrics
from common.settings import ServiceSettings


class HoldsKeys(Protocol):
    """Keys outside the settings that stored data depends on."""

    async def verify(self) -> None:
        """`WrongKeys` unless they are there and are those that the data was written with."""

    async def close(self) -> None: ...


@dataclass
class ServiceContext:
    """`parts` holds what a single service adds (key store, route table …), by name."""

    settings: ServiceSettings
    database: Database
    broker: Broker
    tables: CommonTables
    metrics: Metrics
    parts: dict[str, Any] = field(default_factory=dict)
    consumers: list[Consumer] = field(default_factory=list)
    # Figures of the service beside dead letters, every 15 seconds.
    measures: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    revisions: Revisions | None = None
    # How stored answers are kept and given again where they may be about people.
    answers: AnswerRule | None = None
    key_holders: list[HoldsKeys] = field(default_factory=list)
    # The app within its middleware, where the commands of a batch enter (`web.inner`).
    inner: ASGIApp | None = None

    @cached_property
    def sealing_key(self) -> bytes:
        """Key of stored answers that have no key of a record."""
        return key_from_base64(self.settings.stored_result_key.get_secret_value())

    def relay(self) -> "BackgroundTask":
        """The task that publishes this service's outbox."""
        relay = Relay(self.settings, self.database, self.tables, self.broker, self.metrics)
        return BackgroundTask("relay", relay.run)

    async def close(self) -> None:
        """The databases; nothing is asked any more."""
        await self.database.close()

    def consumer(self, subscription: Subscription) -> "BackgroundTask":
        """The task that reads another service's events; its dead letters can be replayed."""
        consumer = Consumer(subscription, self.database, self.tables, self.broker, self.metrics)
        self.consumers.append(consumer)
        return BackgroundTask(f"consumer-{subscription.producer}", consumer.run)


@dataclass(frozen=True)
class BackgroundTask:
    """`run` goes on until `stop` is set; if it raises it is started again after a pause."""

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]

    @classmethod
    def repeated(
        cls, name: str, work: Callable[[], Awaitable[object]], seconds: float
    ) -> "BackgroundTask":
        """At once again while `work` says that there was something to do, otherwise every `seconds`."""
        return cls(name, lambda stop: repeat(work, seconds, stop))


def context_of(connection: HTTPConnection) -> ServiceContext:
    context: ServiceContext = connection.app.state.context
    return context


_EVERY_SECONDS = 15.0

Measure = Callable[[], Awaitable[None]]


def measuring(context: ServiceContext) -> BackgroundTask:
    """Counts every 15 seconds; fails like any background task while the database is away."""
    dead = context.tables.dead_letters
    count = sa.select(sa.func.count()).where(dead.c.resolved_at.is_(None))

    async def count_all() -> None:
        async with context.database.transaction() as session:
            context.metrics.dead_letters.set(await session.scalar(count) or 0)
        for measure in context.measures:
            await measure()

    return BackgroundTask.repeated("measuring", count_all, _EVERY_SECONDS)
