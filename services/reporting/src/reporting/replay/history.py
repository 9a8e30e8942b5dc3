"""Reads a producer's whole event history from its stream, in batches, without a trace left there."""

from collections.abc import AsyncIterator, Mapping, Sequence

from common.events.base import Event
from common.events.envelope import Envelope
from common.messaging.relay import stream_name
from nats.errors import TimeoutError as FetchTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

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
        bound = self._bound
        while bound is not None and (await bound.consumer_info()).num_pending:
            try:
                messages = await bound.fetch(BATCH, timeout=_FETCH_SECONDS)
            except FetchTimeout:  # nothing more came in time: look again how much is pending
                continue
            envelopes = [Envelope.model_validate_json(message.data) for message in messages]
            yield [(self._kinds[e.type].model_validate(e.data), e) for e in envelopes]

    async def close(self) -> None:
        if self._bound is not None:
            await self._bound.unsubscribe()
