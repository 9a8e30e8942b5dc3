"""What reporting reads of the other services."""

from common.messaging import Subscription

from reporting.facts.service import Recorder
from reporting.facts.sources import DURABLE, SOURCES


def subscriptions(recorder: Recorder) -> list[Subscription]:
    """One durable consumer per producing service; a rebuild reads the same events."""
    return [
        Subscription(producer, DURABLE, dict.fromkeys(events, recorder.record_one))
        for producer, events in SOURCES
    ]
