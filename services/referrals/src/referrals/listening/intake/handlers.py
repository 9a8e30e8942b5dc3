"""Deletes records from other systems when their case is erased or moves to another organisation."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.happenings import CaseErased, CaseHandedOver
from referrals.listening.intake import queries
from referrals.listening.intake.service import forget


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    """Delete the intake data by which the former holder could identify the person."""
    await _forget(session, happening)


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await _forget(session, happening)


async def _forget(session: AsyncSession, happening: CaseErased | CaseHandedOver) -> None:
    for submission in await queries.quarantined_of(session, happening.case_id):
        await forget(session, happening.keys, submission)
    await queries.forget_persons(session, happening.case_id)
