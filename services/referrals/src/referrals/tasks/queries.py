"""Which tasks are a caller's: those of the organisation that are about what the caller may read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.locking_queries import held
from referrals.tasks.models import Task

Found = Callable[[Principal, Any], sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Reading:
    """How cases and referrals are found, by those that they belong to."""

    case: Found
    referral: Found
    values: Callable[[Principal], dict[str, Any]]


def own(caller: Principal, reading: Reading) -> sa.ColumnElement[bool]:
    """A task whose case has gone, or whose referral is another team's, is not the caller's."""
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
    return await session.scalar(one, reading.values(caller)) is not None


async def one_to_finish(
    session: AsyncSession, caller: Principal, reading: Reading, task_id: UUID
) -> Task | None:
    """Locked, and its case held."""
    rows = await session.scalars(
        sa.select(Task)
        .where(col(Task.id) == task_id, own(caller, reading), held(col(Task.case_id)))
        .with_for_update(),
        reading.values(caller),
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
    """Newest first, one more than `limit` if there are more."""
    finished = col(Task.done_at).is_not(None)
    statement = sa.select(Task).where(own(caller, reading), finished if done else sa.not_(finished))
    if before is not None:
        statement = statement.where(col(Task.id) < before)
    statement = statement.order_by(col(Task.id).desc()).limit(limit + 1)
    return (await session.scalars(statement, reading.values(caller))).all()
