"""Erases emergency access requests with their case, and passes them on when the case gets a new holder."""

import sqlalchemy as sa
from common import clock
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.happenings import CaseErased, CaseHandedOver, ConflictRecorded
from referrals.ground.row_security import acting_as_service
from referrals.listening.breakglass import service
from referrals.listening.breakglass.models import BreakGlass


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    of_case = col(BreakGlass.case_id) == happening.case_id
    for change in (
        sa.update(BreakGlass)
        .where(of_case, col(BreakGlass.status).in_(("asked", "open")))
        .values(status="ended", expires_at=clock.now()),
        sa.update(BreakGlass).where(of_case).values(reason=None),
    ):
        await session.execute(change.execution_options(synchronize_session=False))


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await service.hand_over(session, happening.case_id, happening.new)


async def conflict_recorded(session: AsyncSession, happening: ConflictRecorded) -> None:
    async with acting_as_service(session):
        await service.end_for(session, happening.case_id, happening.implicated)
