"""Ends an organisation's access to a report when it hands over or erases its case, or becomes implicated."""

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
