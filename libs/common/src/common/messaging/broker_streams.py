"""`python -m common.messaging.broker_streams` creates the streams and consumers as the broker's operator.

No service may do this. With a stream that republishes or copies, or a consumer that delivers to any subject, a service
could publish in another service's name. The embedded stack runs this command at each start. A cluster runs it as a Job.
"""

import asyncio
import sys
from typing import ClassVar

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError

from common.db.endings import EVENTS_KEPT
from common.events.readers import READ_BY, Kinds, stream_name
from common.messaging.connection import Broker, BrokerDown
from common.process import start
from common.settings import StreamSettings

_DUPLICATE_WINDOW_SECONDS = 120
_ACK_WAIT_SECONDS = 30
_PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 600
"""How long a Job waits for the broker: images take this long on a slow line."""


class Settings(StreamSettings):
    service: ClassVar[str] = "operator"


async def arrange(jetstream: JetStreamContext, *, replicas: int, max_bytes: int) -> None:
    """Create or update each stream and its consumers, and delete consumers that are not configured."""
    for producer, readers in READ_BY.items():
        stream = _stream(producer, replicas, max_bytes)
        try:
            await jetstream.add_stream(stream)
        except BadRequestError:  # it exists with other settings, so update it
            await jetstream.update_stream(stream)
        name = stream_name(producer)
        for known in await jetstream.consumers_info(name):
            if known.config.durable_name and known.config.durable_name not in readers:
                await jetstream.delete_consumer(name, known.name)
        for reader, kinds in readers.items():
            await jetstream.add_consumer(name, _reader(reader, kinds))


def _stream(producer: str, replicas: int, max_bytes: int) -> StreamConfig:
    return StreamConfig(
        name=stream_name(producer),
        subjects=[f"ruta.{producer}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,  # a full stream refuses events, which then wait in the outbox
        max_age=EVENTS_KEPT.total_seconds(),
        max_bytes=max_bytes,
        num_replicas=replicas,
        duplicate_window=_DUPLICATE_WINDOW_SECONDS,
    )


def _reader(name: str, kinds: Kinds) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=name,
        ack_policy=AckPolicy.EXPLICIT,
        deliver_policy=DeliverPolicy.ALL,
        ack_wait=_ACK_WAIT_SECONDS,
        max_deliver=-1,  # a dead letter ends the retries; the broker's limit would drop the event
        max_ack_pending=1000,
        filter_subjects=sorted(kind.SUBJECT for kind in kinds),
    )


async def arranged(settings: Settings, seconds: float) -> None:
    """Wait for the broker and for the quorum of a cluster, then set up the streams. Raise TimeoutError if this takes
    too long."""
    broker, why = Broker(settings), ""
    await broker.start()
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    jetstream = await broker.jetstream()
                    await arrange(
                        jetstream,
                        replicas=settings.stream_replicas,
                        max_bytes=settings.stream_max_bytes,
                    )
                    return
                except (BrokerDown, nats.errors.Error) as error:
                    why = f"{type(error).__name__}: {error}"
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise TimeoutError(why) from None
    finally:
        await broker.stop()


def main(seconds: float = PATIENCE_SECONDS) -> None:
    settings = start.load(Settings)
    start.prepare(settings)
    try:
        asyncio.run(arranged(settings, seconds))
    except TimeoutError as error:
        start.fail(
            f"the streams were not made within {seconds:.0f} s ({error}): is the broker at"
            " RUTA_NATS_URL up, and is its store large enough for RUTA_STREAM_MAX_BYTES?",
            start.TEMPORARY_FAILURE,
        )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
