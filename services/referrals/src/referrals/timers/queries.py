"""Reading timer policies, and counts of what is overdue."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.referrals.models import Referral
from referrals.referrals.queries import overdue
from referrals.timers.models import Timer, TimerPolicy


async def changed_policies(session: AsyncSession) -> Sequence[TimerPolicy]:
    return (await session.scalars(sa.select(TimerPolicy))).all()


async def overdue_counts(
    session: AsyncSession, aors: Collection[str], now: datetime
) -> Sequence[Any]:
    """How many referrals of these AoRs wait past a deadline; needs service rights."""
    rows = await session.execute(
        sa.select(col(Referral.aor), col(Referral.category), col(Referral.urgency), sa.func.count())
        .where(overdue(now), col(Referral.aor).in_(aors))
        .group_by(col(Referral.aor), col(Referral.category), col(Referral.urgency))
        .order_by(col(Referral.aor), col(Referral.category), col(Referral.urgency))
    )
    return rows.all()


async def count_due(session: AsyncSession, now: datetime) -> int:
    """Timers that should have fired by now; needs service rights."""
    due = sa.select(sa.func.count()).select_from(Timer).where(col(Timer.due_at) <= now)
    return await session.scalar(due) or 0
