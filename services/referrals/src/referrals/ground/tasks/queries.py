"""Queries for a caller's tasks: their organisation's tasks on subjects that the caller may read."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.locking_queries import held
from referrals.ground.tasks.kinds import URGENT, TaskKind
from referrals.ground.tasks.models import Task
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow

Found = Callable[[Principal, Any], sa.ColumnElement[bool]]


_FINISHED = col(Task.done_at).is_not(None)


@dataclass(frozen=True)
class Reading:
    """How to find cases and referrals; their own packages provide the functions."""

    case: Found
    referral: Found


def own(caller: Principal, reading: Reading) -> sa.ColumnElement[bool]:
    """Return the condition for the caller's tasks. It excludes tasks on cases that have moved, and on other teams'
    referrals."""
    return sa.and_(
        col(Task.organisation_id) == caller.organisation,
        sa.or_(
            col(Task.case_id).is_(None),
            reading.case(caller, Task.case_id),
            reading.referral(caller, col(Task.referral_id)),
        ),
    )


def readable(
    caller: Principal, task_id: sa.ColumnElement[UUID], reading: Reading
) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(Task.id) == task_id, own(caller, reading))


async def has_task(
    session: AsyncSession, caller: Principal, reading: Reading, task_id: UUID
) -> bool:
    one = sa.select(sa.literal(1)).where(col(Task.id) == task_id, own(caller, reading))
    return await session.scalar(one) is not None


async def one_to_finish(
    session: AsyncSession, caller: Principal, reading: Reading, task_id: UUID
) -> Task | None:
    """Return the task, locked with its case."""
    rows = await session.scalars(
        sa.select(Task)
        .where(col(Task.id) == task_id, own(caller, reading), held(col(Task.case_id)))
        .with_for_update()
    )
    return rows.one_or_none()


async def listed(
    session: AsyncSession,
    caller: Principal,
    reading: Reading,
    *,
    done: bool,
    before: UUID | None,
    limit: int,
) -> Sequence[Task]:
    """Return tasks, newest first, up to `limit` + 1."""
    statement = sa.select(Task).where(
        own(caller, reading), _FINISHED if done else sa.not_(_FINISHED)
    )
    if before is not None:
        statement = statement.where(col(Task.id) < before)
    statement = statement.order_by(col(Task.id).desc()).limit(limit + 1)
    return (await session.scalars(statement)).all()


def waiting(
    caller: Principal, reading: Reading, has_it: Callable[[Any], Any], but: Collection[TaskKind]
) -> Waiting:
    """Return the open tasks. `has_it`: the column with the case's owner; everybody who may read a task on another
    organisation's case shares it. `but`: kinds that other lists show."""
    return Waiting(
        kind=WorkKind.TASK,
        what=sa.select(Task).where(
            own(caller, reading), sa.not_(_FINISHED), col(Task.kind).not_in(but)
        ),
        id=col(Task.id),
        since=col(Task.created_at),
        due=col(Task.due_on),
        weighs=sa.case((col(Task.kind).in_(URGENT), "urgent"), else_="routine"),
        has_it=has_it(Task.case_id),
        shown=lambda row: _row(row[0]),
    )


def _row(task: Task) -> WorkRow:
    ids = {"task_id": task.id, "case_id": task.case_id, "referral_id": task.referral_id}
    return WorkRow(
        id=task.id,
        since=task.created_at,
        ids={name: value for name, value in ids.items() if value is not None},
        about=task.kind,
    )
