"""Counts open and overdue referrals in a queue, up to a limit that bounds the cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.words.referral_states import OPEN, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.referral.referrals.due_queries import (
    BY_DAY,
    BY_INSTANT,
    FIRST_DAY,
    FIRST_INSTANT,
    IS_OPEN,
    before,
)
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.queries import addressed_to
from referrals.tables import Instant

COUNTED_TO = 200
"""Counting stops here: exact thousands make a page slow, and "200 or more" is enough to act on."""

_MOST: sa.ColumnElement[Any] = sa.literal_column(str(COUNTED_TO))


def _counting(caller: Principal, now: datetime) -> sa.CompoundSelect[Any]:
    asked = [addressed_to(caller), IS_OPEN]
    instant, today = sa.literal(now, Instant()), sa.literal(clock.day_of(now), sa.Date())
    one_by_one = _each(OPEN)
    by_state = sa.select(one_by_one.c.state, _counted(_some(one_by_one, asked)))

    def late_in(states: frozenset[ReferralState], *late: sa.ColumnElement[bool]) -> Any:
        each = _each(states)
        some = _some(each, [*asked, *late]).lateral()
        return _counted(sa.select(some).select_from(each.join(some, sa.true())).limit(_MOST))

    # No row counts twice, because a state's deadlines are either instants or days.
    late = late_in(BY_INSTANT, before(FIRST_INSTANT, instant)) + late_in(
        BY_DAY, FIRST_INSTANT.is_(None), before(FIRST_DAY, today)
    )
    return sa.union_all(by_state, sa.select(sa.null(), late))


def _each(states: frozenset[ReferralState]) -> Any:
    named: sa.ColumnElement[Any] = sa.literal_column(f"'{{{','.join(sorted(states))}}}'::text[]")
    return sa.func.unnest(named).table_valued("state", name="each").render_derived()


def _some(each: Any, asked: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Select rows up to each state's limit, using the index that fits its condition."""
    one: sa.ColumnElement[Any] = sa.literal_column("1")
    return (
        sa.select(one.label("one"))
        .select_from(Referral)
        .where(*asked, col(Referral.state) == each.c.state)
        .limit(_MOST)
        .correlate(each)
    )


def _counted(rows: sa.Select[Any]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(rows.subquery()).scalar_subquery()


async def queue_counts(
    session: AsyncSession, caller: Principal, now: datetime
) -> tuple[dict[str, int], int]:
    """Return open referrals by state, and the number of overdue ones, each up to `COUNTED_TO`."""
    rows = await session.execute(_counting(caller, now))
    numbers: dict[str | None, int] = dict(map(tuple, rows))
    late = min(numbers.pop(None), COUNTED_TO)
    return {state: number for state, number in numbers.items() if state and number}, late
