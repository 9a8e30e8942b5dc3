"""Reporting's subscriptions to other services' events."""

from collections.abc import Sequence

from common.events.base import Event
from common.events.envelope import Envelope
from common.events.referrals import TrainingHeld
from common.messaging import TOGETHER, Subscription
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.activities.trainings import record_training
from reporting.recording.service import Recorder
from reporting.recording.sources import DURABLE, SOURCES
from reporting.tables import WRITER_LOCK


def subscriptions(recorder: Recorder) -> list[Subscription]:
    """Return one durable consumer per producing service; a rebuild reads the same events."""

    async def apply(session: AsyncSession, received: Sequence[tuple[Event, Envelope]]) -> None:
        for event, envelope in received:
            if isinstance(event, TrainingHeld):
                await record_training(session, event, envelope)
        facts = [each for each in received if not isinstance(each[0], TrainingHeld)]
        if facts:
            await recorder.record(session, facts, seen=frozenset())

    return [
        Subscription(
            producer,
            DURABLE,
            events,
            apply,
            at_once=TOGETHER,
            writer_lock=WRITER_LOCK,
        )
        for producer, events in SOURCES
    ]
