"""Whoever gives a case away reads the report that it was made of no more."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.happenings import CaseHandedOver
from referrals.line import handing_service


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await handing_service.end_for(session, happening.case_id, [happening.former])
