"""Adapts the case record when its case is closed, erased or moved to another organisation."""

import sqlalchemy as sa
from common import clock
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.entries.models import CaseEntry
from referrals.ground.happenings import CaseClosed, CaseErased, CaseHandedOver


async def case_closed(session: AsyncSession, happening: CaseClosed) -> None:
    """Mark all due entries of a closed case as done."""
    await session.execute(
        sa.update(CaseEntry)
        .where(
            col(CaseEntry.case_id) == happening.case_id,
            col(CaseEntry.due_on).is_not(None),
            col(CaseEntry.done_at).is_(None),
        )
        .values(done_at=clock.now())
        .execution_options(synchronize_session=False)
    )


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await _unlink(session, happening)
    await session.execute(
        sa.update(CaseEntry)
        .where(col(CaseEntry.case_id) == happening.case_id)
        .values(content=None, file=None, due_on=None)
        .execution_options(synchronize_session=False)
    )


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    """Unlink cases of a family that two organisations now hold."""
    await _unlink(session, happening)


async def _unlink(session: AsyncSession, happening: CaseErased | CaseHandedOver) -> None:
    case = happening.case_id
    await session.execute(
        sa.update(CaseEntry)
        .where(
            col(CaseEntry.linked_case_id).is_not(None),
            sa.or_(col(CaseEntry.case_id) == case, col(CaseEntry.linked_case_id) == case),
        )
        .values(linked_case_id=None)
        .execution_options(synchronize_session=False)
    )
