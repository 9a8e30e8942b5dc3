"""Process-wide parts of an app, and background tasks."""

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
from common.process.loops import repeat
from common.process.telemetry import Metrics
from common.settings import ServiceSettings


class HoldsKeys(Protocol):
    """An object that holds keys outside the settings on which stored data depends."""

    async def verify(self) -> None:
        """Raise `WrongKeys` unless the keys exist and match the stored data."""

    async def close(self) -> None: ...


@dataclass
class ServiceContext:
    """The process-wide parts of a service. `parts` contains the parts that only one service has (key store, route table
    …), by name."""

    settings: ServiceSettings
    database: Database
    broker: Broker
    tables: CommonTables
    metrics: Metrics
    parts: dict[str, Any] = field(default_factory=dict)
    consumers: list[Consumer] = field(default_factory=list)
    # service metrics besides dead letters, updated every 15 seconds
    measures: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    revisions: Revisions | None = None
    # the rule for stored responses, if they may concern people
    answers: AnswerRule | None = None
    key_holders: list[HoldsKeys] = field(default_factory=list)
    # The app inside its middleware, where the commands of a batch enter (`http.inner`).
    inner: ASGIApp | None = None

    @cached_property
    def sealing_key(self) -> bytes:
        """Return the key that seals stored responses without their own record key."""
        return key_from_base64(self.settings.stored_result_key.get_secret_value())

    def relay(self) -> "BackgroundTask":
        relay = Relay(self.settings, self.database, self.tables, self.broker, self.metrics)
        return BackgroundTask("relay", relay.run)

    async def close(self) -> None:
        """Close the databases. No query may follow."""
        await self.database.close()

    def consumer(self, subscription: Subscription) -> "BackgroundTask":
        """Return the task that reads another service's events. Its dead letters can be replayed."""
        consumer = Consumer(subscription, self.database, self.tables, self.broker, self.metrics)
        self.consumers.append(consumer)
        return BackgroundTask(f"consumer-{subscription.producer}", consumer.run)


@dataclass(frozen=True)
class BackgroundTask:
    """A task that runs until `stop` is set. If it raises an error, it restarts after a pause."""

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]

    @classmethod
    def repeated(
        cls, name: str, work: Callable[[], Awaitable[object]], seconds: float
    ) -> "BackgroundTask":
        """Return a task that repeats `work` immediately while it reports work done, and otherwise every `seconds`."""
        return cls(name, lambda stop: repeat(work, seconds, stop))


def context_of(connection: HTTPConnection) -> ServiceContext:
    context: ServiceContext = connection.app.state.context
    return context


_EVERY_SECONDS = 15.0

Measure = Callable[[], Awaitable[None]]


def measuring(context: ServiceContext) -> BackgroundTask:
    """Return a task that updates the metrics every 15 seconds. It fails, like any task, while the database is
    unavailable."""
    dead = context.tables.dead_letters
    count = sa.select(sa.func.count()).where(dead.c.resolved_at.is_(None))

    async def count_all() -> None:
        async with context.database.transaction() as session:
            context.metrics.dead_letters.set(await session.scalar(count) or 0)
        for measure in context.measures:
            await measure()

    return BackgroundTask.repeated("measuring", count_all, _EVERY_SECONDS)
