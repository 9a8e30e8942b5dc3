"""Reads a producer's whole event history from its stream, in batches, without a trace left there."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache
from typing import Generic, TypeVar
from uuid import UUID

from common.events.base import Event
from common.logs import get_logger
from common.messaging.relay import stream_name
from nats.aio.msg import Msg
from nats.errors import TimeoutError as FetchTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError
from pydantic import BaseModel, TypeAdapter

from reporting.facts.received import EventId, Received

_log = get_logger(__name__)
BATCH = 5000
_FETCH_SECONDS = 5
_INACTIVE_SECONDS = 600.0

Batch = list[Received]
E = TypeVar("E", bound=Event)


class Wire(BaseModel, Generic[E]):
    """An envelope as far as a rebuild reads it."""

    id: UUID
    data: E


@cache
def _reader(kind: type[Event]) -> Callable[[bytes], Wire[Event]]:
    """From bytes to the event, without a Python frame in between."""
    adapter: TypeAdapter[Wire[Event]] = TypeAdapter(Wire[kind])  # type: ignore[valid-type] # known at run time only
    read: Callable[[bytes], Wire[Event]] = adapter.validator.validate_json
    return read


class History:
    """One producer's stream, read from its first event. Needs the operator's NATS permissions."""

    def __init__(
        self, jetstream: JetStreamContext, producer: str, kinds: Sequence[type[Event]]
    ) -> None:
        self.producer = producer
        self._jetstream = jetstream
        self._wires = {kind.SUBJECT: _reader(kind) for kind in kinds}
        self._bound: JetStreamContext.PullSubscription | None = None

    async def open(self) -> bool:
        """Start at the beginning; False if the producer has no stream yet."""
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.ALL,
            filter_subjects=sorted(self._wires),
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
            read = (self._read(message) for message in messages)
            yield [event for event in read if event is not None]

    def _read(self, message: Msg) -> Received | None:
        """The event; None for one that the live reader made a dead letter of as well.

        One pass from bytes to the event of the subject's class; of the envelope, which a relay of
        ours wrote, only the id is needed.
        """
        try:
            wired = self._wires[message.subject](message.data)
        except (ValueError, KeyError) as error:
            _log.warning("event_skipped", producer=self.producer, reason=type(error).__name__)
            return None
        return wired.data, EventId(wired.id)

    async def messages(self) -> AsyncIterator[list[Msg]]:
        """The same as it lies in the stream."""
        bound = self._bound
        while bound is not None and (await bound.consumer_info()).num_pending:
            try:
                yield await bound.fetch(BATCH, timeout=_FETCH_SECONDS)
            except FetchTimeout:  # nothing more came in time: look again how much is pending
                continue

    async def close(self) -> None:
        if self._bound is not None:
            await self._bound.unsubscribe()
