"""The background tasks of reporting: wiring only."""

from collections.abc import Sequence

from common.messaging import Consumer, Relay
from common.web import BackgroundTask, ServiceContext

from reporting.facts.consumers import subscriptions
from reporting.facts.service import Recorder
from reporting.settings import Settings


def tasks(context: ServiceContext) -> Sequence[BackgroundTask]:
    """Relay of own events, and one consumer per service that reporting reads."""
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    recorder = Recorder(settings.pseudonym_key_bytes)
    relay = Relay(settings, context.database, context.tables, context.broker, context.metrics)
    consumers = [
        (
            f"consume-{each.producer}",
            Consumer(each, context.database, context.tables, context.broker, context.metrics),
        )
        for each in subscriptions(recorder)
    ]
    return [
        BackgroundTask("relay", relay.run),
        *(BackgroundTask(name, consumer.run) for name, consumer in consumers),
    ]
