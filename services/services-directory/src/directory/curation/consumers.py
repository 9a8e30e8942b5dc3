"""Handles declined referrals. A service that declined for lack of capacity may not have reported that it is full."""

from common import clock
from common.events.envelope import Envelope
from common.events.referrals import ENTERED, ReferralData
from common.ids import new_id
from common.messaging import Subscription
from common.words.referral_states import ReferralState
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.curation.models import CAPACITY_DOUBTED, reminders
from directory.record.records.queries import with_room

NO_CAPACITY = "capacity"


async def on_declined(session: AsyncSession, event: ReferralData, _envelope: Envelope) -> None:
    """Ask the entry's organisation about its capacity, at most once a day. The entry stays unchanged, because one
    declined referral does not prove that the service is full. Nothing about the case is stored."""
    if event.reason != NO_CAPACITY:
        return
    offering = await with_room(session, event.service_id)
    if offering is None:
        return
    await session.execute(
        insert(reminders)
        .values(
            id=new_id(),
            service_id=event.service_id,
            organisation_id=offering,
            kind=CAPACITY_DOUBTED,
            due_on=clock.day_of(event.occurred_at),
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )


SUBSCRIPTION = Subscription.one_by_one(
    producer="referrals",
    durable="directory",
    handlers={ENTERED[ReferralState.DECLINED]: on_declined},
)
