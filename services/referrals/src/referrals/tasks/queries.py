"""Which tasks are a caller's."""

from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.tasks.models import Task


def own(caller: Principal) -> sa.ColumnElement[bool]:
    return col(Task.organisation_id) == caller.organisation


def readable(caller: Principal, task_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(Task.id) == task_id, own(caller))


async def has_task(session: AsyncSession, caller: Principal, task_id: UUID) -> bool:
    one = sa.select(sa.literal(1)).where(col(Task.id) == task_id, own(caller))
    return await session.scalar(one) is not None
