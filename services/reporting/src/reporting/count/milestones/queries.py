"""Queries for milestones."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.milestones.models import milestone_changes, milestones
from reporting.count.milestones.plan import OPEN
from reporting.count.milestones.schemas import MilestoneBody
from reporting.ground.periods import Period
from reporting.tables import beyond, equal

FIELDS = tuple(MilestoneBody.model_fields)


@dataclass(frozen=True)
class Milestone:
    """A milestone; `last_day` is the last day of the quarter in which it is due."""

    id: UUID
    version: int
    changed_at: datetime
    last_day: date
    body: MilestoneBody


def _milestone(row: Any) -> Milestone:
    body = MilestoneBody.model_validate({field: getattr(row, field) for field in FIELDS})
    return Milestone(row.id, row.version, row.changed_at, row.last_day, body)


async def listed(
    session: AsyncSession,
    *,
    plan: str | None = None,
    status: str | None = None,
    late_on: date | None = None,
    after: tuple[date, UUID] | None = None,
    limit: int | None = None,
) -> list[Milestone]:
    """Return milestones by due date; with `late_on`, only milestones that are late on that day."""
    conditions = equal(milestones, plan=plan, status=status)
    if late_on is not None:
        conditions += [milestones.c.status.in_(OPEN), milestones.c.last_day < late_on]
    statement = (
        sa.select(milestones)
        .where(*conditions, *beyond(after, milestones.c.last_day, milestones.c.id))
        .order_by(milestones.c.last_day, milestones.c.id)
        .limit(limit)
    )
    return [_milestone(row) for row in await session.execute(statement)]


async def one(session: AsyncSession, milestone_id: UUID, *, held: bool = False) -> Milestone | None:
    statement = sa.select(milestones).where(milestones.c.id == milestone_id)
    if held:
        statement = statement.with_for_update()
    row = (await session.execute(statement)).one_or_none()
    return _milestone(row) if row else None


async def history(session: AsyncSession, milestone_id: UUID) -> list[Milestone]:
    """Return all states of a milestone, oldest first."""
    rows = await session.execute(
        sa.select(milestone_changes)
        .where(milestone_changes.c.milestone_id == milestone_id)
        .order_by(milestone_changes.c.version)
    )
    bodies = [(row, MilestoneBody.model_validate(row.body)) for row in rows]
    return [
        Milestone(milestone_id, row.version, row.changed_at, Period.parse(body.due).end, body)
        for row, body in bodies
    ]
