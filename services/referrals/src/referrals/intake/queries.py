"""Reading forms and submissions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.intake.models import IntakeForm, Submission


async def forms(session: AsyncSession, caller: Principal) -> Sequence[IntakeForm]:
    rows = await session.scalars(
        sa.select(IntakeForm)
        .where(col(IntakeForm.organisation_id) == caller.organisation)
        .order_by(col(IntakeForm.id).desc())
        .limit(200)
    )
    return rows.all()


async def own_form(
    session: AsyncSession, caller: Principal, form_id: UUID, *, lock: bool = False
) -> IntakeForm:
    statement = sa.select(IntakeForm).where(
        col(IntakeForm.id) == form_id, col(IntakeForm.organisation_id) == caller.organisation
    )
    found = (
        await session.scalars(statement.with_for_update() if lock else statement)
    ).one_or_none()
    if found is None:
        raise NOT_FOUND.because("Your organisation has no such form.")
    return found


async def submissions(
    session: AsyncSession,
    caller: Principal,
    *,
    status: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Submission]:
    """Newest first, one more than `limit` if there are more."""
    statement = sa.select(Submission).where(col(Submission.organisation_id) == caller.organisation)
    if status is not None:
        statement = statement.where(col(Submission.status) == status)
    if before is not None:
        statement = statement.where(col(Submission.id) < before)
    rows = await session.scalars(statement.order_by(col(Submission.id).desc()).limit(limit + 1))
    return rows.all()


def readable(caller: Principal, submission_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(Submission.id) == submission_id, col(Submission.organisation_id) == caller.organisation
    )


async def own_submission(
    session: AsyncSession, caller: Principal, submission: UUID, *, lock: bool = False
) -> Submission:
    statement = sa.select(Submission).where(
        col(Submission.id) == submission, col(Submission.organisation_id) == caller.organisation
    )
    found = (
        await session.scalars(statement.with_for_update() if lock else statement)
    ).one_or_none()
    if found is None:
        raise NOT_FOUND.because("Your organisation received no such submission.")
    return found


async def received(session: AsyncSession, form_id: UUID, submission_id: str) -> Submission:
    """A submission that is known to be there; needs service rights."""
    rows = await session.scalars(
        sa.select(Submission).where(
            col(Submission.form_id) == form_id, col(Submission.submission_id) == submission_id
        )
    )
    return rows.one()


async def quarantined_before(session: AsyncSession, moment: datetime) -> Submission | None:
    rows = await session.scalars(
        sa.select(Submission)
        .where(col(Submission.status) == "quarantined", col(Submission.changed_at) < moment)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return rows.one_or_none()
