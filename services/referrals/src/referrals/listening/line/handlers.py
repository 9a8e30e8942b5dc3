"""Whoever gives a case away, erases it or is implicated in it reads the report that it was made of no more."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.happenings import CaseErased, CaseHandedOver, ConflictRecorded
from referrals.ground.row_security import acting_as_service
from referrals.listening.line import handing_service


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await handing_service.end_for(session, happening.case_id, [happening.former])


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await handing_service.end_with_case(session, happening.case_id)


async def conflict_recorded(session: AsyncSession, happening: ConflictRecorded) -> None:
    async with acting_as_service(session):
        await handing_service.end_for(session, happening.case_id, happening.implicated)
