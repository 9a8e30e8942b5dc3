"""Invalidates a link when its case is erased or moves to another organisation."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.happenings import CaseErased, CaseHandedOver
from referrals.referral.links.models import AnswerLink
from referrals.referral.referrals.queries import ids_of_case


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await _end(session, happening)


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await _end(session, happening)


async def _end(session: AsyncSession, happening: CaseErased | CaseHandedOver) -> None:
    await session.execute(
        sa.delete(AnswerLink)
        .where(col(AnswerLink.referral_id).in_(ids_of_case(happening.case_id)))
        .execution_options(synchronize_session=False)
    )
