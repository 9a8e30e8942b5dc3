"""Reads a producer's whole event history from its stream, in batches, without a trace left there."""

from collections.abc import AsyncIterator, Sequence

from common.events.base import Event
from common.events.envelope import Envelope
from common.events.readers import stream_name
from common.messaging.pulling import Gathering
from common.process.logs import get_logger
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from reporting.count.facts.received import Received

_log = get_logger(__name__)
BATCH = 5000
_GATHER_SECONDS = 5.0
_INACTIVE_SECONDS = 600.0

Batch = list[Received]


class History:
    """One producer's stream, read from its first event. Needs the operator's NATS permissions."""

    def __init__(self, client: Client, producer: str, kinds: Sequence[type[Event]]) -> None:
        self.producer = producer
        self._client = client
        self._stream = stream_name(producer)
        self._kinds = {kind.SUBJECT: kind for kind in kinds}
        self._consumer = ""
        self._gathering: Gathering | None = None

    async def open(self) -> bool:
        """Start at the beginning; False if the producer has no stream yet."""
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
        """Unread events, up to the present end of the stream."""
        while self._gathering is not None and await self._pending():
            messages = await self._gathering.batch(BATCH, _GATHER_SECONDS)
            read = (self._read(message) for message in messages)
            yield [event for event in read if event is not None]

    def _read(self, message: Msg) -> Received | None:
        """The event; None for one that the live reader made a dead letter of as well."""
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
