"""What the directory learns from referrals: a service that declined for want of capacity may not
have told us that it is full."""

import sqlalchemy as sa
from common import clock
from common.events.envelope import Envelope
from common.events.referrals import ReferralDeclined
from common.ids import new_id
from common.messaging import Subscription
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.models import CAPACITY_DOUBTED, reminders
from services_directory.services.models import services

NO_CAPACITY = "capacity"


async def on_declined(session: AsyncSession, event: ReferralDeclined, _envelope: Envelope) -> None:
    """Ask whoever keeps the entry for its capacity, once a day. The entry itself stays as it is:
    one refusal is not the state of a service, and of the case nothing is kept."""
    if event.reason != NO_CAPACITY:
        return
    s = services.c
    offering = await session.scalar(
        sa.select(s.organization_id).where(
            s.id == event.service_id,
            s.state.not_in(["withdrawn", "merged"]),
            s.approved["capacity_state"].astext.is_distinct_from("full"),
            s.approved.is_not(None),
        )
    )
    if offering is None:
        return
    await session.execute(
        insert(reminders)
        .values(
            id=new_id(),
            service_id=event.service_id,
            organisation_id=offering,
            kind=CAPACITY_DOUBTED,
            due_on=event.occurred_at.date(),
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )


SUBSCRIPTION = Subscription.one_by_one(
    producer="referrals", durable="directory", handlers={ReferralDeclined: on_declined}
)
