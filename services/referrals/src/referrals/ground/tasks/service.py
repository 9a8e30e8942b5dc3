"""Opens and finishes tasks; never opens a second task while one is open."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.models import Task

_tasks = Task.metadata.tables["tasks"]


async def open_task(
    session: AsyncSession,
    organisation: UUID,
    kind: TaskKind,
    *,
    case_id: UUID,
    referral_id: UUID | None = None,
    due_on: date | None = None,
) -> None:
    await session.execute(
        insert(_tasks)
        .inline()
        .values(
            id=new_id(),
            organisation_id=organisation,
            kind=kind,
            case_id=case_id,
            referral_id=referral_id,
            due_on=due_on,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )


async def was_opened(session: AsyncSession, referral_id: UUID, kind: TaskKind) -> bool:
    """Return whether such a task exists, done or not. Requires service rights."""
    those = sa.exists().where(_tasks.c.referral_id == referral_id, _tasks.c.kind == kind)
    return bool(await session.scalar(sa.select(those)))


async def finish_tasks(
    session: AsyncSession, caller: Principal, case_id: UUID, kind: TaskKind
) -> None:
    await session.execute(
        sa.update(_tasks)
        .where(_tasks.c.case_id == case_id, _tasks.c.kind == kind, _tasks.c.done_at.is_(None))
        .values(done_at=clock.now(), done_by=caller.subject)
    )
