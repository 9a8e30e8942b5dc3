"""What becomes of records of other systems when their case is erased."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.happenings import CaseErased
from referrals.intake import queries
from referrals.intake.service import forget


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    for submission in await queries.quarantined_of(session, happening.case_id):
        await forget(session, happening.keys, submission)
    await queries.forget_persons(session, happening.case_id)
