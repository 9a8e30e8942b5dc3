"""How much is overdue, for whoever coordinates and sees none of it."""

from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.row_security import acting_as_service
from referrals.referral.escalations.schemas import OverdueCount
from referrals.referral.referrals import list_queries


async def overdue_in_aors(session: AsyncSession, caller: Principal) -> list[OverdueCount]:
    """Of the referrals of the caller's areas of responsibility, counts only: of the cases whose decisions they look
    into, which lie in their areas and do not speak against their organisation."""
    async with acting_as_service(session):
        rows = await list_queries.overdue_counts(session, caller, clock.now())
    return [
        OverdueCount(aor=aor, category=category, urgency=urgency, count=count)
        for aor, category, urgency, count in rows
    ]
