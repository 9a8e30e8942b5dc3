"""Reminds both sides of an appointment. The message reveals neither its purpose nor whom it concerns."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from common.db.session import Database
from common.words.referral_states import ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.sweeps import sweep
from referrals.referral.referrals import queries
from referrals.referral.referrals.steps import tell_parties

AHEAD = timedelta(days=1)
_BATCH = 200


async def remind(database: Database, now: datetime) -> int:
    """Notify both sides a day before each appointment, and again if the appointment moves to a later day. Return the
    number of reminders."""
    due = partial(queries.near_appointments, now=now, until=now + AHEAD, limit=_BATCH)
    return await sweep("appointments", database, due, _remind)


async def _remind(session: AsyncSession, referral_id: UUID) -> int:
    referral = await queries.hold_if_free(session, referral_id)
    if referral is None or referral.state != ReferralState.SCHEDULED:
        return 0
    referral.reminded_of = referral.appointment_at
    await session.flush()
    await tell_parties(session, None, referral, NoticeKind.REFERRAL_APPOINTMENT)
    return 1
