"""Setting a referral's timer as its state changes. Firing is in `timers.firing`."""

from datetime import UTC, date, datetime, time
from uuid import UUID

import sqlalchemy as sa
from common.writes import RowWriter, write_soon
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.timers.deadlines import Clock, EscalationStep, Policies, Policy
from referrals.timers.models import Timer, TimerPolicy

_table = Timer.metadata.tables["timers"]
_TIMERS = RowWriter(
    _table,
    "referral_id",
    "clock",
    "step",
    "due_at",
    on_conflict="(referral_id) DO UPDATE SET clock = EXCLUDED.clock, step = EXCLUDED.step,"
    " due_at = EXCLUDED.due_at",
)


async def overrides(session: AsyncSession, aor: str, urgency: str) -> Policies:
    """What coordinators have changed for this pathway and urgency."""
    rows = await session.scalars(
        sa.select(TimerPolicy).where(
            col(TimerPolicy.aor).in_([aor, "*"]), col(TimerPolicy.urgency) == urgency
        )
    )
    return {
        (row.aor, row.urgency, row.clock): Policy(
            row.window_minutes,
            row.supervisor_after_minutes,
            row.alternative_after_minutes,
            row.expiry_after_minutes,
            row.working_time,
        )
        for row in rows
    }


def set_timer(
    session: AsyncSession,
    referral_id: UUID,
    clock: Clock,
    due_at: datetime,
    step: EscalationStep = EscalationStep.REMINDER,
) -> None:
    """A referral has one timer; setting it replaces the one before."""
    write_soon(
        session,
        _TIMERS,
        {
            "referral_id": referral_id,
            "clock": clock.value,
            "step": step.value,
            "due_at": due_at,
        },
    )


async def stop_timer(session: AsyncSession, referral_id: UUID) -> None:
    await session.execute(sa.delete(_table).where(_table.c.referral_id == referral_id))


def start_of(day: date) -> datetime:
    """When a review or expected day begins (UTC)."""
    return datetime.combine(day, time(0), UTC)
