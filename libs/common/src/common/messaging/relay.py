"""The relay publishes outbox rows to JetStream and marks them. Each service has one relay.

It never remembers a position: sequences commit out of order, so `id > last` would lose rows. Unpublished rows have
`published_at IS NULL`. A crash between publishing and marking repeats an event with the same id. Readers use their
inbox to drop it.
"""

import asyncio
import contextlib
import time
from datetime import UTC, timedelta
from typing import Any

import asyncpg
import nats.errors
import orjson
from nats.js import JetStreamContext
from opentelemetry.trace import SpanKind
from sqlalchemy.engine import make_url

from common import clock
from common.db.session import Database
from common.db.tables import CommonTables
from common.events.envelope import CONTENT_TYPE, Envelope
from common.events.readers import stream_name
from common.messaging.connection import Broker, BrokerDown
from common.messaging.outbox import CHANNEL
from common.process.logs import get_logger
from common.process.loops import pause
from common.process.telemetry import Metrics, current_traceparent, going_on
from common.settings import ServiceSettings

_log = get_logger(__name__)
_BATCH = 200
_POLL_SECONDS = 1.0
_LEADER_SECONDS = 2.0
_STREAM_SECONDS = 15.0
_OUTAGE_PAUSE_SECONDS = 0.5
_LOCK_NAMESPACE = 0x52555441  # "RUTA" in ASCII
_WAITING = (
    "SELECT id, type, aggregateid, payload::text AS payload, traceparent, occurred_at FROM outbox"
    " WHERE published_at IS NULL ORDER BY occurred_at, id LIMIT $1"
)
_MARK = "UPDATE outbox SET published_at = $2 WHERE id = ANY ($1::uuid[])"
_BACKLOG = (
    "SELECT count(*) AS count, min(occurred_at) AS oldest FROM outbox WHERE published_at IS NULL"
)


class Relay:
    """Runs in the worker of each replica. Only the worker that has the advisory lock publishes."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        tables: CommonTables,
        broker: Broker,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._database = database
        self._broker = broker
        self._metrics = metrics
        self._leading: Any = None  # the connection that has the lock, unused between batches

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop`. Raise an error if the database fails; the worker then restarts the relay."""
        while not stop.is_set():
            connection = await self._listen()
            try:
                if await connection.fetchval(
                    "SELECT pg_try_advisory_lock($1, hashtext($2))",
                    _LOCK_NAMESPACE,
                    self._settings.service,
                ):
                    await self._lead(connection, stop)
                else:
                    await pause(stop, _LEADER_SECONDS)
            finally:
                with contextlib.suppress(asyncpg.PostgresError, OSError, TimeoutError):
                    await connection.close(timeout=2)

    async def _listen(self) -> Any:
        # A pooler in transaction mode would pass the lock to the connection's next user.
        url = make_url(self._settings.session_url)
        return await asyncpg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            timeout=5,
            command_timeout=10,
            statement_cache_size=0 if self._settings.database_via_pgbouncer else 100,
            server_settings={
                "application_name": f"ruta-{self._settings.service}-relay",
                # If a crash loses the published mark, the event is repeated and readers drop it.
                "synchronous_commit": "off",
            },
        )

    async def _lead(self, connection: Any, stop: asyncio.Event) -> None:
        woken = asyncio.Event()
        self._leading = connection
        await connection.add_listener(CHANNEL, lambda *_: woken.set())
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: woken.set())
        measured = weighed = 0.0
        try:
            while not stop.is_set():
                woken.clear()
                await self._publish_or_wait(stop)
                if time.monotonic() - measured > _POLL_SECONDS:
                    # this also checks that the connection with the lock is still open
                    await self._measure()
                    measured = time.monotonic()
                if time.monotonic() - weighed > _STREAM_SECONDS:
                    await self.weigh_stream()
                    weighed = time.monotonic()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), _POLL_SECONDS)
        finally:
            stopping.cancel()
            self._leading = None

    async def _publish_or_wait(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set() and await self.publish_batch() == _BATCH:
                continue
        except (BrokerDown, nats.errors.Error, TimeoutError) as error:
            self._metrics.broker_connected.set(0)
            _log.warning("publish_postponed", reason=type(error).__name__)
            await self._measure()
            await pause(stop, _OUTAGE_PAUSE_SECONDS)

    async def publish_batch(self) -> int:
        """Publish up to 200 rows, oldest first, and return their number. Unacknowledged rows remain unpublished."""
        rows = await self._fetch(_WAITING, _BATCH)
        stream = await self._broker.jetstream()
        self._metrics.broker_connected.set(1)
        if not rows:
            return 0
        results = await asyncio.gather(
            *(self._publish(stream, row) for row in rows), return_exceptions=True
        )
        done = [row["id"] for row, result in zip(rows, results, strict=True) if result is None]
        await self._fetch(_MARK, done, clock.now())
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(rows)

    async def _fetch(self, statement: str, *values: Any) -> Any:
        if self._leading is not None:
            return await self._leading.fetch(statement, *values)
        return await self._database.once(statement, *values)

    async def _publish(self, stream: JetStreamContext, row: Any) -> None:
        """Publish in the trace of the request that wrote the row, so that one trace reaches the readers."""
        with going_on(f"publish {row['type']}", row["traceparent"], SpanKind.PRODUCER):
            await self._publish_in(stream, row, current_traceparent() or row["traceparent"])

    async def _publish_in(
        self, stream: JetStreamContext, row: Any, traceparent: str | None
    ) -> None:
        envelope = Envelope(
            id=row["id"],
            source=f"/ruta/{self._settings.service}",
            type=row["type"],
            subject=row["aggregateid"],
            time=row["occurred_at"].astimezone(UTC),
            traceparent=traceparent,
            data=orjson.loads(row["payload"]),
        )
        headers = {"Nats-Msg-Id": str(row["id"]), "Content-Type": CONTENT_TYPE}
        if traceparent:
            headers["traceparent"] = traceparent
        await stream.publish(row["type"], envelope.to_json(), timeout=5, headers=headers)
        self._metrics.published.labels(row["type"]).inc()

    async def weigh_stream(self) -> None:
        """Measure how full our stream is. Do nothing while the broker is unavailable."""
        with contextlib.suppress(BrokerDown, nats.errors.Error, TimeoutError):
            jetstream = await self._broker.jetstream()
            info = await jetstream.stream_info(stream_name(self._settings.service))
            self._metrics.stream_bytes.set(info.state.bytes)
            self._metrics.stream_limit.set(info.config.max_bytes or 0)

    async def _measure(self) -> None:
        (row,) = await self._fetch(_BACKLOG)
        age = clock.now() - row["oldest"] if row["oldest"] else timedelta(0)
        self._metrics.outbox_unpublished.set(row["count"])
        self._metrics.outbox_age.set(max(age.total_seconds(), 0))
