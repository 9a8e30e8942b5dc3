"""An erased case is offered to nobody."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.happenings import CaseErased
from referrals.transfers.service import end_offer


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await end_offer(session, happening.caller, happening.case_id, "other")
