"""Reads a producer's whole event history from its stream, in batches, without a trace left there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

import orjson
from common.events.base import Event
from common.events.envelope import Envelope
from common.logs import get_logger
from common.messaging.relay import stream_name
from nats.errors import TimeoutError as FetchTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

_log = get_logger(__name__)
BATCH = 5000
_FETCH_SECONDS = 5
_INACTIVE_SECONDS = 600.0

Batch = list[tuple[Event, Envelope]]


class History:
    """One producer's stream, read from its first event. Needs the operator's NATS permissions."""

    def __init__(
        self, jetstream: JetStreamContext, producer: str, kinds: Sequence[type[Event]]
    ) -> None:
        self.producer = producer
        self._jetstream = jetstream
        self._kinds: Mapping[str, type[Event]] = {kind.SUBJECT: kind for kind in kinds}
        self._bound: JetStreamContext.PullSubscription | None = None

    async def open(self) -> bool:
        """Start at the beginning; False if the producer has no stream yet."""
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.ALL,
            filter_subjects=sorted(self._kinds),
            inactive_threshold=_INACTIVE_SECONDS,
            mem_storage=True,
        )
        stream = stream_name(self.producer)
        try:
            consumer = await self._jetstream.add_consumer(stream, config)
        except NotFoundError:
            return False
        self._bound = await self._jetstream.pull_subscribe_bind(consumer.name, stream)
        return True

    async def batches(self) -> AsyncIterator[Batch]:
        """What is there and was not read yet, up to the present end of the stream."""
        async for messages in self.messages():
            read = (self._read(data) for data in messages)
            yield [event for event in read if event is not None]

    def _read(self, data: bytes) -> tuple[Event, Envelope] | None:
        """The event; None for one that the live reader made a dead letter of as well.

        The envelope was written by a relay of ours: only its data are validated again.
        """
        try:
            raw = orjson.loads(data)
            event = self._kinds[raw["type"]].model_validate(raw["data"])
            return event, Envelope.model_construct(**(raw | {"id": UUID(raw["id"])}))
        except (ValueError, KeyError, TypeError) as error:
            _log.warning("event_skipped", producer=self.producer, reason=type(error).__name__)
            return None

    async def messages(self) -> AsyncIterator[list[bytes]]:
        """The same as it lies in the stream."""
        bound = self._bound
        while bound is not None and (await bound.consumer_info()).num_pending:
            try:
                yield [each.data for each in await bound.fetch(BATCH, timeout=_FETCH_SECONDS)]
            except FetchTimeout:  # nothing more came in time: look again how much is pending
                continue

    async def close(self) -> None:
        if self._bound is not None:
            await self._bound.unsubscribe()
