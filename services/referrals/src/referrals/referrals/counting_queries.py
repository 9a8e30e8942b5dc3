"""How much of a queue is open and overdue, at a cost that ends where the counting does."""

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from common.auth import Principal, Role
from common.reads import QuickStatement
from common.referral_states import OPEN
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.referrals.due_queries import IS_OPEN, late_by_day, late_by_instant
from referrals.referrals.models import Referral
from referrals.referrals.queries import addressed_to, caller_values
from referrals.tables import Instant

COUNTED_TO = 200
"""Every page of a queue says how much is in it. An exact number of thousands would make that page the
slower, the more there is to do, and nobody acts otherwise on it than on "200 or more"."""

_NOW, _TODAY = sa.bindparam("now", type_=Instant()), sa.bindparam("today", type_=sa.Date())
_STATES: sa.ColumnElement[Any] = sa.literal_column(f"'{{{','.join(sorted(OPEN))}}}'::text[]")


@cache
def _counting(supervisor: bool) -> QuickStatement:
    states = sa.func.unnest(_STATES).table_valued("state", name="each").render_derived()
    state = states.c.state
    late = late_by_instant(_NOW)

    def counted(*asked: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
        some = (
            sa.select(sa.literal_column("1"))
            .select_from(Referral)
            .where(addressed_to(supervisor), IS_OPEN, *asked)
            .limit(sa.literal_column(str(COUNTED_TO)))
            .correlate(states)
            .subquery()
        )
        return sa.select(sa.func.count()).select_from(some).scalar_subquery()

    by_state = sa.select(state, counted(col(Referral.state) == state))
    overdue = sa.select(
        sa.null(),
        # No row is in both: what an instant has made late is late by it alone.
        counted(late) + counted(late_by_day(_TODAY), late.is_not(sa.true())),
    )
    return QuickStatement(sa.union_all(by_state, overdue))


async def queue_counts(
    session: AsyncSession, caller: Principal, now: datetime
) -> tuple[dict[str, int], int]:
    """What is open by state, and how much of it is overdue: each number up to `COUNTED_TO`."""
    rows = await _counting(Role.SUPERVISOR in caller.roles).rows(
        session, {**caller_values(caller), "now": now, "today": now.date()}
    )
    numbers: dict[str | None, int] = dict(map(tuple, rows))
    late = min(numbers.pop(None), COUNTED_TO)
    return {state: number for state, number in numbers.items() if state and number}, late
