"""Who has to do what is still open when a case is handed over."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.happenings import CaseHandedOver
from referrals.tasks.models import Task

OF_RECIPIENTS = ("delete_disclosed_data", "stop_using_caregiver_contact")
"""What recipients are asked to do with what they know stays theirs, also if they held the case."""


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await session.execute(
        sa.update(Task)
        .where(
            col(Task.case_id) == happening.case_id,
            col(Task.organisation_id) == happening.former,
            col(Task.done_at).is_(None),
            col(Task.kind).not_in(OF_RECIPIENTS),
        )
        .values(organisation_id=happening.new)
        .execution_options(synchronize_session=False)
    )
