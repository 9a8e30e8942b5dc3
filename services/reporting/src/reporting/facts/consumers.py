"""What reporting reads of the other services."""

from common.events.referrals import TrainingHeld
from common.messaging import Subscription

from reporting.activities.trainings import record_training
from reporting.facts.service import Recorder
from reporting.facts.sources import DURABLE, SOURCES


def subscriptions(recorder: Recorder) -> list[Subscription]:
    """One durable consumer per producing service; a rebuild reads the same events."""
    return [
        Subscription(
            producer,
            DURABLE,
            {
                kind: record_training if kind is TrainingHeld else recorder.record_one
                for kind in events
            },
        )
        for producer, events in SOURCES
    ]
