"""Deletes data that depends on a case's key: search entries, stored answers, event content."""

import sqlalchemy as sa
from common.http.answers import forget_answers
from common.messaging import forget_persons
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases.models import CaseLookup
from referrals.ground.happenings import CaseErased
from referrals.tables import COMMON


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await session.execute(sa.delete(CaseLookup).where(col(CaseLookup.case_id) == happening.case_id))
    await forget_answers(session, COMMON, happening.case_id)
    await forget_persons(session, COMMON, [happening.case_id])
