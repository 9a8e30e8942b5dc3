"""What becomes of records of other systems when their case is erased."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.happenings import CaseErased
from referrals.intake import queries


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await queries.forget_persons(session, happening.case_id)
