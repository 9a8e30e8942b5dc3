"""What assistance and the search for doubles keep of an erased case: codes, and no text."""

import sqlalchemy as sa
from common.messaging import forget_persons
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.assistance.models import (
    Assistance,
    CaseMatch,
    CaseReview,
    CaseRoute,
    MatchConsent,
    MatchToken,
    PlanItem,
)
from referrals.happenings import CaseErased
from referrals.tables import COMMON


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    case = happening.case_id
    for table, text in ((PlanItem, "objective"), (CaseReview, "note")):
        await session.execute(
            sa.update(table)
            .where(col(table.case_id) == case)
            .values({text: None})
            .execution_options(synchronize_session=False)
        )
    given = await session.scalars(
        sa.update(Assistance)
        .where(col(Assistance.case_id) == case)
        .values(note=None, amount_band=None, modality=None)
        .returning(col(Assistance.id))
        .execution_options(synchronize_session=False)
    )
    await forget_persons(session, COMMON, given.all())
    for whole in (CaseRoute, MatchToken, MatchConsent):
        await session.execute(sa.delete(whole).where(col(whole.case_id) == case))
    await session.execute(
        sa.delete(CaseMatch).where(
            sa.or_(col(CaseMatch.case_a) == case, col(CaseMatch.case_b) == case)
        )
    )
