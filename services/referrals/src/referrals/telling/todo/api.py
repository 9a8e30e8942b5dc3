"""HTTP routes for tasks: listing them and marking them as done."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from common import clock
from common.errors import NOT_FOUND
from common.http import Session, Strict, router
from common.http.answers import Subject, answer_is_about
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from common.words.enums import enum_of
from pydantic import BaseModel

from referrals.ground.audit.service import record
from referrals.ground.dependencies import CaseReader, Writer
from referrals.ground.tasks import queries
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.vocabulary.facts import decided
from referrals.telling.readable_queries import READING

tasks = router("/referrals/v1/tasks", ["tasks"])


class TaskView(BaseModel):
    id: UUID
    kind: Annotated[str, enum_of(TaskKind)]
    case_id: UUID | None
    referral_id: UUID | None
    due_on: date | None
    created_at: datetime
    done_at: datetime | None


decided("TaskView", TaskView.model_fields)


class Done(Strict):
    """Marks a task as done. For `delete_disclosed_data`, this attests that the data was deleted."""


@tasks.get("")
async def list_tasks(
    session: Session,
    caller: CaseReader,
    done: bool = False,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[TaskView]:
    """List tasks, newest first: consent again at 18, deletion after a withdrawal, reviews."""
    rows = await queries.listed(
        session, caller, READING, done=done, before=id_cursor(cursor), limit=limit
    )
    return page_of(rows, limit, lambda row: TaskView.model_validate(row, from_attributes=True))


@tasks.post("/{task_id}/done")
async def finish_task(task_id: UUID, _body: Done, session: Session, caller: Writer) -> TaskView:
    """Mark the task as done; the record keeps who did it."""
    task = await queries.one_to_finish(session, caller, READING, task_id)
    if task is None:
        raise NOT_FOUND.because("no_such_task_in_your_organisation")
    answer_is_about(session, Subject(task.case_id or caller.organisation, "task", task.id))
    if task.done_at is None:
        task.done_at, task.done_by = clock.now(), caller.subject
        await session.flush()
        await record(
            session,
            caller,
            f"task.{task.kind}.done",
            chain=task.case_id or caller.organisation,
            target_id=task.id,
            detail={"referral": str(task.referral_id)} if task.referral_id else {},
        )
    return TaskView.model_validate(task, from_attributes=True)
