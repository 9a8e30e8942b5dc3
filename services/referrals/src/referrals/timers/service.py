"""Setting a referral's timer as its state changes. Firing is in `timers.firing`."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.writes import RowRemoval, RowWriter, write_soon
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

_STOPPED = RowRemoval(_table, "referral_id")


def policies_column(aor: str, urgency: str) -> sa.ScalarSelect[Any]:
    """What coordinators have changed for a pathway and urgency (bound parameters): JSON rows."""
    return _policies(
        sa.or_(
            col(TimerPolicy.aor) == sa.bindparam(aor, type_=sa.Text()),
            col(TimerPolicy.aor) == "*",
        ),
        col(TimerPolicy.urgency) == sa.bindparam(urgency, type_=sa.Text()),
    )


def all_policies_column() -> sa.ScalarSelect[Any]:
    """As `policies_column` for every pathway and urgency: some dozens of rows at most."""
    return _policies()


def _policies(*which: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    rows = sa.func.jsonb_agg(sa.func.jsonb_build_array(*_POLICY))
    return sa.select(rows).select_from(TimerPolicy).where(*which).scalar_subquery()


_POLICY = (
    col(TimerPolicy.aor),
    col(TimerPolicy.urgency),
    col(TimerPolicy.clock),
    col(TimerPolicy.window_minutes),
    col(TimerPolicy.supervisor_after_minutes),
    col(TimerPolicy.alternative_after_minutes),
    col(TimerPolicy.expiry_after_minutes),
    col(TimerPolicy.working_time),
)
_OVERRIDES = sa.select(policies_column("aor", "urgency"))


def policies_of(rows: Any) -> Policies:
    """The policies of a `policies_column`."""
    return {(row[0], row[1], row[2]): Policy(*row[3:]) for row in rows or ()}


async def overrides(session: AsyncSession, aor: str, urgency: str) -> Policies:
    """What coordinators have changed for this pathway and urgency."""
    return policies_of(await session.scalar(_OVERRIDES, {"aor": aor, "urgency": urgency}))


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


def stop_timer(session: AsyncSession, referral_id: UUID) -> None:
    write_soon(session, _STOPPED, {"referral_id": referral_id})
