"""Queries for closings, each step with the release for its programme and period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.protect.closings.models import closing_steps, closings
from reporting.protect.closings.progress import (
    ClosingState,
    StepState,
    Task,
    closing_state,
    step_state,
)
from reporting.protect.releases import queries as release_queries
from reporting.protect.releases.queries import Release
from reporting.tables import beyond, equal


@dataclass(frozen=True)
class Step:
    """A programme in a closing. `release` is None until the programme is closed, or if the reader may not see it."""

    programme: str
    task: Task
    waiting: bool
    attempts: int
    problem: dict[str, Any] | None
    changed_at: datetime
    release: Release | None

    @property
    def state(self) -> StepState:
        return step_state(
            self.task,
            waiting=self.waiting,
            closed=self.release is not None,
            published=self.release is not None and self.release.published,
        )

    @property
    def signed(self) -> bool:
        return self.release is not None and all(each.settled for each in self.release.sign_offs)


@dataclass(frozen=True)
class Closing:
    """The orders for a period. `busy` means that a programme, even one hidden from the caller, still has to be
    closed."""

    id: UUID
    period: str
    period_start: date
    period_end: date
    asked_at: datetime
    steps: tuple[Step, ...]
    busy: bool

    @property
    def state(self) -> ClosingState:
        if self.busy:
            return ClosingState.CLOSING
        return closing_state(
            [each.state for each in self.steps], all_signed=all(each.signed for each in self.steps)
        )


@dataclass(frozen=True)
class Work:
    """A due task, with its requester."""

    closing_id: UUID
    period: str
    programme: str
    task: Task
    asked_by: str
    claims: dict[str, Any] | None
    attempts: int


async def visible(
    session: AsyncSession,
    caller: Principal,
    *,
    closing_id: UUID | None = None,
    period: str | None = None,
    after: tuple[date, UUID] | None = None,
    limit: int | None = None,
) -> list[Closing]:
    """Return closings, newest period first. The IM role sees every step; others see the steps whose release they may
    see."""
    rows = await session.execute(
        sa.select(closings)
        .where(
            *equal(closings, id=closing_id, period=period),
            *beyond(after, closings.c.period_start, closings.c.id, falling=True),
        )
        .order_by(closings.c.period_start.desc(), closings.c.id.desc())
        .limit(limit)
    )
    return [await _closing(session, caller, row) for row in rows.all()]


async def _closing(session: AsyncSession, caller: Principal, row: Any) -> Closing:
    # Read the tasks first: a task that finishes in the meantime then appears as waiting or with its result. If it
    # were read after the releases, it would appear to have failed.
    steps = (
        await session.execute(
            sa.select(closing_steps)
            .where(closing_steps.c.closing_id == row.id)
            .order_by(closing_steps.c.position, closing_steps.c.programme)
        )
    ).all()
    closed = await release_queries.programmes_closed(session, row.period)
    seen = await release_queries.visible(session, caller, period=row.period)
    releases = {each.programme: each for each in seen}
    found = [
        Step(
            each.programme,
            each.task,
            each.due_at is not None,
            each.attempts,
            each.problem,
            each.changed_at,
            releases.get(each.programme),
        )
        for each in steps
    ]
    whole = Role.IM in caller.roles
    return Closing(
        id=row.id,
        period=row.period,
        period_start=row.period_start,
        period_end=row.period_end,
        asked_at=row.asked_at,
        steps=tuple(each for each in found if whole or each.release is not None),
        busy=any(each.waiting and each.programme not in closed for each in found),
    )


async def held(session: AsyncSession, closing_id: UUID) -> bool:
    """Lock the closing, so that other requests wait. Return whether the closing exists."""
    found = await session.scalar(
        sa.select(closings.c.id).where(closings.c.id == closing_id).with_for_update()
    )
    return found is not None


async def due(session: AsyncSession) -> Work | None:
    """Lock and return the longest-waiting due task that is not in progress."""
    found = await _work(
        session,
        closing_steps.c.due_at <= clock.now(),
        order=(closing_steps.c.due_at, closing_steps.c.position),
    )
    return found[0] if found else None


async def still_due(session: AsyncSession, work: Work) -> bool:
    """Lock this task. Return whether it is still due and nobody else is processing it."""
    return bool(
        await _work(
            session,
            closing_steps.c.closing_id == work.closing_id,
            closing_steps.c.programme == work.programme,
            closing_steps.c.task == work.task,
        )
    )


async def _work(
    session: AsyncSession,
    *conditions: sa.ColumnElement[bool],
    order: Sequence[sa.ColumnElement[Any]] = (),
) -> list[Work]:
    columns = ("closing_id", "programme", "task", "asked_by", "claims", "attempts")
    rows = await session.execute(
        sa.select(*(closing_steps.c[name] for name in columns), closings.c.period)
        .join_from(closing_steps, closings)
        .where(closing_steps.c.due_at.is_not(None), *conditions)
        .order_by(*order)
        .limit(1)
        .with_for_update(skip_locked=True, of=closing_steps)
    )
    return [Work(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented mapping
