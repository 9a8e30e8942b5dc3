"""Queries for timers and their policies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.timers.deadlines import EscalationStep
from referrals.ground.timers.models import Timer, TimerPolicy


async def changed_policies(session: AsyncSession) -> Sequence[TimerPolicy]:
    return (await session.scalars(sa.select(TimerPolicy))).all()


def any_due(now: Any) -> sa.Exists:
    """Return the SQL condition that a timer is due by this time. Requires service rights."""
    return sa.exists().where(col(Timer.due_at) <= now)


async def due(session: AsyncSession, now: datetime, limit: int, *, ends: bool) -> Sequence[UUID]:
    """Return referrals with a due timer, oldest first. `ends` includes timers that end a referral. Requires service
    rights."""
    rows = await session.scalars(
        sa.select(col(Timer.referral_id))
        .where(
            col(Timer.due_at) <= now,
            sa.true() if ends else col(Timer.step) != EscalationStep.EXPIRY,
        )
        .order_by(col(Timer.due_at))
        .limit(limit)
    )
    return rows.all()


async def timer_of(session: AsyncSession, referral_id: UUID) -> Timer | None:
    return await session.get(Timer, referral_id)


async def count_due(session: AsyncSession, now: datetime) -> int:
    """Count due timers. Requires service rights."""
    due = sa.select(sa.func.count()).select_from(Timer).where(col(Timer.due_at) <= now)
    return await session.scalar(due) or 0
