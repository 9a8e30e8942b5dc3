"""Reads forms and submissions."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.db.ended_rights import suspended
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow
from referrals.listening.intake.models import IntakeForm, SeenRecord, Submission
from referrals.tables import ENDED_RIGHTS

_submissions = Submission.metadata.tables["intake_submissions"]
NAMED_HERE = re.compile("[0-9a-f]{32}(:[0-9a-f]{16})?")
"""The form of a submission's digest, which replaces the form tool's own id."""


async def forms(session: AsyncSession, caller: Principal) -> Sequence[IntakeForm]:
    rows = await session.scalars(
        sa.select(IntakeForm)
        .where(col(IntakeForm.organisation_id) == caller.organisation)
        .order_by(col(IntakeForm.id).desc())
    )
    return rows.all()


async def form_and_held(session: AsyncSession, form_id: UUID) -> tuple[IntakeForm | None, bool]:
    """Return the form, and whether its organisation is suspended. Requires service rights."""
    held = suspended(ENDED_RIGHTS, col(IntakeForm.organisation_id))
    row = (
        await session.execute(sa.select(IntakeForm, held).where(col(IntakeForm.id) == form_id))
    ).one_or_none()
    return (None, False) if row is None else (row[0], row[1])


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
        raise NOT_FOUND.because("your_organisation_has_no_such_form")
    return found


async def submissions(
    session: AsyncSession,
    caller: Principal,
    *which: sa.ColumnElement[bool],
    before: UUID | None,
    limit: int,
) -> Sequence[Submission]:
    """Return the organisation's own submissions, newest first, up to `limit` + 1."""
    statement = sa.select(Submission).where(
        col(Submission.organisation_id) == caller.organisation, *which
    )
    if before is not None:
        statement = statement.where(col(Submission.id) < before)
    rows = await session.scalars(statement.order_by(col(Submission.id).desc()).limit(limit + 1))
    return rows.all()


def of_status(status: str | None) -> sa.ColumnElement[bool]:
    return sa.true() if status is None else col(Submission.status) == status


def of_records(names: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the SQL condition for all versions of these records, by digest."""
    return sa.func.split_part(col(Submission.submission_id), ":", 1).in_(names)


def of_cases(cases: Sequence[UUID]) -> sa.ColumnElement[bool]:
    return col(Submission.case_id).in_(cases)


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
        raise NOT_FOUND.because("your_organisation_received_no_such_submission")
    return found


def _version_of(form_id: UUID, record: str) -> tuple[sa.ColumnElement[bool], ...]:
    named = sa.func.split_part(col(Submission.submission_id), ":", 1)
    return (col(Submission.form_id) == form_id, named == record)


async def newest_version(session: AsyncSession, row: Submission) -> Submission:
    """Return the newest version of this submission's record. It may be the submission itself."""
    record, _, _ = row.submission_id.partition(":")
    rows = await session.scalars(
        sa.select(Submission)
        .where(*_version_of(row.form_id, record))
        .order_by(col(Submission.received_at).desc(), col(Submission.id).desc())
        .limit(1)
    )
    return rows.one()


async def hold_quarantined(session: AsyncSession, form_id: UUID, record: str) -> None:
    """Lock the record's quarantined versions, so that none becomes a case meanwhile."""
    await session.execute(
        sa.select(col(Submission.id))
        .where(*_version_of(form_id, record), col(Submission.status) == "quarantined")
        .order_by(col(Submission.id))
        .with_for_update()
    )


async def received(session: AsyncSession, form_id: UUID, submission_id: str) -> Submission:
    """Return a submission that is known to exist. Requires service rights."""
    rows = await session.scalars(
        sa.select(Submission).where(
            col(Submission.form_id) == form_id, col(Submission.submission_id) == submission_id
        )
    )
    return rows.one()


def _by_tool_id() -> sa.ColumnElement[bool]:
    return sa.not_(col(Submission.submission_id).regexp_match(f"^{NAMED_HERE.pattern}$"))


async def all_by_tool_id(session: AsyncSession) -> Sequence[UUID]:
    """Return submissions stored under the form tool's own id. Requires service rights."""
    return (await session.scalars(sa.select(col(Submission.id)).where(_by_tool_id()))).all()


async def kept_by_tool_id(session: AsyncSession, row_id: UUID) -> Submission | None:
    """Return a submission stored under the form tool's own id, locked; None if it no longer has that id."""
    rows = await session.scalars(
        sa.select(Submission)
        .where(col(Submission.id) == row_id, _by_tool_id())
        .with_for_update(skip_locked=True)
    )
    return rows.one_or_none()


async def rename(session: AsyncSession, form_id: UUID, tool_id: str, named: str) -> None:
    """Replace the tool's id of submissions with their digest. Requires service rights."""
    taken = _submissions.alias("taken")
    await session.execute(
        sa.update(Submission)
        .where(
            col(Submission.form_id) == form_id,
            col(Submission.submission_id) == tool_id,
            ~sa.exists().where(taken.c.form_id == form_id, taken.c.submission_id == named),
        )
        .values(submission_id=named)
        .execution_options(synchronize_session=False)
    )


async def case_of(session: AsyncSession, form_id: UUID, record_id: str) -> UUID | None:
    found: UUID | None = await session.scalar(
        sa.select(col(SeenRecord.case_id)).where(
            col(SeenRecord.form_id) == form_id, col(SeenRecord.record_id) == record_id
        )
    )
    return found


async def seen(session: AsyncSession, form_id: UUID, record_id: str) -> SeenRecord:
    """Return a record of another system that is known to exist, locked so that its versions are processed one by
    one."""
    rows = await session.scalars(
        sa.select(SeenRecord)
        .where(col(SeenRecord.form_id) == form_id, col(SeenRecord.record_id) == record_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.one()


async def forget_persons(session: AsyncSession, case_id: UUID) -> None:
    await session.execute(
        sa.update(SeenRecord)
        .where(col(SeenRecord.case_id) == case_id)
        .values(person=None)
        .execution_options(synchronize_session=False)
    )


async def quarantined_of(session: AsyncSession, case_id: UUID) -> Sequence[Submission]:
    """Return later, quarantined versions of the case's record, locked; they identify the person. Requires service
    rights."""
    version_of = sa.func.split_part(col(Submission.submission_id), ":", 1)
    rows = await session.scalars(
        sa.select(Submission)
        .join(
            SeenRecord,
            sa.and_(
                col(SeenRecord.form_id) == col(Submission.form_id),
                col(SeenRecord.record_id) == version_of,
            ),
        )
        .where(col(SeenRecord.case_id) == case_id, col(Submission.status) == "quarantined")
        .order_by(col(Submission.id))
        .with_for_update(of=Submission)
    )
    return rows.all()


def _quarantined(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (col(Submission.status) == "quarantined", col(Submission.changed_at) < before)


async def quarantined_before(session: AsyncSession, moment: datetime) -> Sequence[UUID]:
    return (await session.scalars(sa.select(col(Submission.id)).where(*_quarantined(moment)))).all()


async def still_quarantined(
    session: AsyncSession, submission_id: UUID, moment: datetime
) -> Submission | None:
    """Return the submission, locked. Return None if it has left quarantine or another transaction holds it."""
    rows = await session.scalars(
        sa.select(Submission)
        .where(col(Submission.id) == submission_id, *_quarantined(moment))
        .with_for_update(skip_locked=True)
    )
    return rows.one_or_none()


def waiting(caller: Principal) -> Waiting:
    return Waiting(
        kind=WorkKind.SUBMISSION_QUARANTINED,
        what=sa.select(
            col(Submission.id), col(Submission.form_id), col(Submission.received_at)
        ).where(
            col(Submission.organisation_id) == caller.organisation,
            col(Submission.status) == "quarantined",
        ),
        id=col(Submission.id),
        since=col(Submission.received_at),
        shown=lambda row: WorkRow(
            id=row.id, since=row.received_at, ids={"submission_id": row.id, "form_id": row.form_id}
        ),
    )
