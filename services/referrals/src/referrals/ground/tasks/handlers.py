"""Closes tasks when their case ends, and assigns them to the new holder when the case moves."""

import sqlalchemy as sa
from common import clock
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.audit.service import SYSTEM_CLIENT
from referrals.ground.happenings import CaseClosed, CaseErased, CaseHandedOver
from referrals.ground.tasks.kinds import OF_RECIPIENTS
from referrals.ground.tasks.models import Task


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await session.execute(
        sa.update(Task)
        .where(
            col(Task.case_id) == happening.case_id,
            col(Task.organisation_id) == happening.former,
            col(Task.kind).not_in(OF_RECIPIENTS),
        )
        .values(organisation_id=happening.new)
        .execution_options(synchronize_session=False)
    )


async def case_closed(session: AsyncSession, happening: CaseClosed) -> None:
    await _done(session, happening)


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await _done(session, happening)


async def _done(session: AsyncSession, happening: CaseClosed | CaseErased) -> None:
    by = happening.caller.subject if happening.caller else SYSTEM_CLIENT
    await session.execute(
        sa.update(Task)
        .where(
            col(Task.case_id) == happening.case_id,
            col(Task.done_at).is_(None),
            col(Task.kind).not_in(OF_RECIPIENTS),
        )
        .values(done_at=clock.now(), done_by=by)
        .execution_options(synchronize_session=False)
    )
