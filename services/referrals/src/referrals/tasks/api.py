"""HTTP of tasks: what the rules ask of you, and saying that it is done."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.answers import Subject, answer_is_about
from common.errors import NOT_FOUND
from common.paging import CursorText, Limit, Page, encode_cursor
from common.web import Session, Strict, router
from pydantic import BaseModel
from sqlmodel import col

from referrals.audit.service import record
from referrals.cursors import id_cursor
from referrals.dependencies import CaseReader, Writer
from referrals.locking_queries import held
from referrals.tasks.models import Task

tasks = router("/referrals/v1/tasks", ["tasks"])


class TaskView(BaseModel):
    id: UUID
    kind: str
    case_id: UUID | None
    referral_id: UUID | None
    due_on: date | None
    created_at: datetime
    done_at: datetime | None


class Done(Strict):
    """For `delete_disclosed_data` this is the attestation that the data was deleted."""


@tasks.get("")
async def list_tasks(
    session: Session,
    caller: CaseReader,
    done: bool = False,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[TaskView]:
    """Re-consent at 18, deletion after a withdrawal, reviews: newest first."""
    statement = sa.select(Task).where(col(Task.organisation_id) == caller.organisation)
    finished = col(Task.done_at).is_not(None)
    statement = statement.where(finished if done else sa.not_(finished))
    before = id_cursor(cursor)
    if before is not None:
        statement = statement.where(col(Task.id) < before)
    rows = (await session.scalars(statement.order_by(col(Task.id).desc()).limit(limit + 1))).all()
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(
        items=[TaskView.model_validate(row, from_attributes=True) for row in rows[:limit]],
        next_cursor=more,
    )


@tasks.post("/{task_id}/done")
async def finish_task(task_id: UUID, _body: Done, session: Session, caller: Writer) -> TaskView:
    """Say that it is done; it is recorded who said so."""
    task = (
        await session.scalars(
            sa.select(Task)
            .where(
                col(Task.id) == task_id,
                col(Task.organisation_id) == caller.organisation,
                held(col(Task.case_id)),
            )
            .with_for_update()
        )
    ).one_or_none()
    if task is None:
        raise NOT_FOUND.because("There is no such task in your organisation.")
    answer_is_about(session, Subject(task.case_id or caller.organisation, "task", task.id))
    if task.done_at is None:
        task.done_at, task.done_by = clock.now(), caller.doer
        await session.flush()
        await record(
            session,
            caller,
            f"task.{task.kind}.done",
            chain=task.case_id or caller.organisation,
            target_type="task",
            target_id=task.id,
            detail={"referral": str(task.referral_id)} if task.referral_id else {},
        )
    return TaskView.model_validate(task, from_attributes=True)
