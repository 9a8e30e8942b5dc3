"""Ends assistance and matching when a case ends or moves. An erased case keeps only codes, no text."""

from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.messaging import forget_persons
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.happenings import CaseClosed, CaseErased, CaseHandedOver, ConflictRecorded
from referrals.ground.row_security import acting_as_service
from referrals.screening.assistance import matching_service
from referrals.screening.assistance.models import (
    Assistance,
    CaseMatch,
    CaseReview,
    CaseRoute,
    MatchConsent,
    MatchToken,
    PlanItem,
)
from referrals.screening.assistance.service import end_with_case
from referrals.tables import COMMON


async def case_closed(session: AsyncSession, happening: CaseClosed) -> None:
    await _end_matches(session, happening.case_id)
    await end_with_case(session, happening.caller, happening.case_id)


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    """End the matches, because each side decided with the former holder in mind and the other case may implicate the
    new holder."""
    await _end_matches(session, happening.case_id)


async def _end_matches(session: AsyncSession, case_id: UUID) -> None:
    await session.execute(
        sa.update(CaseMatch)
        .where(
            sa.or_(col(CaseMatch.case_a) == case_id, col(CaseMatch.case_b) == case_id),
            col(CaseMatch.status) != "ended",
        )
        .values(status="ended", ended_at=clock.now(), agreed_a=None, agreed_b=None)
        .execution_options(synchronize_session=False)
    )


async def conflict_recorded(session: AsyncSession, happening: ConflictRecorded) -> None:
    async with acting_as_service(session):
        await matching_service.end_for(session, happening.case_id, happening.implicated)


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    case = happening.case_id
    await end_with_case(session, happening.caller, case)
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
