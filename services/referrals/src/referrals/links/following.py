"""A link leads nowhere once its case is erased or somebody else's."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.happenings import CaseErased, CaseHandedOver
from referrals.links.models import AnswerLink
from referrals.referrals.models import Referral


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await _end(session, happening)


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await _end(session, happening)


async def _end(session: AsyncSession, happening: CaseErased | CaseHandedOver) -> None:
    of_case = sa.select(col(Referral.id)).where(col(Referral.case_id) == happening.case_id)
    await session.execute(
        sa.delete(AnswerLink)
        .where(col(AnswerLink.referral_id).in_(of_case))
        .execution_options(synchronize_session=False)
    )
