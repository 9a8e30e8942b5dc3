"""Sets a referral's timer when its state changes. `referral.escalations.due_timers` fires the timer."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.timers.deadlines import Clock, EscalationStep, Policies, Policy
from referrals.ground.timers.models import Timer, TimerPolicy


async def overrides(session: AsyncSession, aor: str, urgency: str) -> Policies:
    found = await session.scalars(
        sa.select(TimerPolicy).where(
            col(TimerPolicy.aor).in_((aor, "*")), col(TimerPolicy.urgency) == urgency
        )
    )
    return {
        (each.aor, each.urgency, each.clock): Policy(
            each.window_minutes,
            each.supervisor_after_minutes,
            each.alternative_after_minutes,
            each.expiry_after_minutes,
            each.working_time,
        )
        for each in found
    }


async def set_timer(
    session: AsyncSession,
    referral_id: UUID,
    clock: Clock,
    due_at: datetime,
    step: EscalationStep = EscalationStep.REMINDER,
) -> None:
    """Replace the referral's only timer."""
    values = {"clock": clock.value, "step": step.value, "due_at": due_at}
    await session.execute(
        insert(Timer)
        .values(referral_id=referral_id, **values)
        .on_conflict_do_update(index_elements=["referral_id"], set_=values)
    )


async def stop_timer(session: AsyncSession, referral_id: UUID) -> None:
    await session.execute(sa.delete(Timer).where(col(Timer.referral_id) == referral_id))
