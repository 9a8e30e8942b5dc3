"""Ends a case's offer when the case ends or implicates the recipient."""

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.transfers.service import end_offer
from referrals.ground.happenings import CaseClosed, CaseErased, ConflictRecorded


async def case_closed(session: AsyncSession, happening: CaseClosed) -> None:
    await end_offer(session, happening.caller, happening.case_id, "needs_changed")


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await end_offer(session, happening.caller, happening.case_id, "other")


async def conflict_recorded(session: AsyncSession, happening: ConflictRecorded) -> None:
    await end_offer(session, happening.caller, happening.case_id, "other", to=happening.implicated)
