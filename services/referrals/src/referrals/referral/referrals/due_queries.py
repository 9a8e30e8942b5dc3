"""The rules of `due` in SQL: when a referral's next step is due, and whether it is overdue."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from common import clock
from common.words.referral_states import OPEN, ReferralState
from sqlmodel import col

from referrals.ground.waiting_queries import NEVER
from referrals.referral.referrals.due import LIMITS
from referrals.referral.referrals.models import Referral


def in_states(states: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the state condition with literal values. PostgreSQL uses a partial index only if the statement spells out
    its states."""
    return col(Referral.state).in_([sa.literal_column(f"'{state}'") for state in sorted(states)])


def _is_day(limit: sa.ColumnElement[Any]) -> bool:
    return isinstance(limit.type, sa.Date)


IS_OPEN = in_states(OPEN)
_COLUMNS = sa.inspect(Referral).columns
_LIMITS = [(in_states(states), _COLUMNS[name]) for name, states in LIMITS.items()]
_INSTANTS = [(counts, limit) for counts, limit in _LIMITS if not _is_day(limit)]
_DAYS = [(counts, limit) for counts, limit in _LIMITS if _is_day(limit)]
_LIMITED = in_states(frozenset().union(*LIMITS.values()))


def _states_of(*, day: bool) -> frozenset[ReferralState]:
    of_kind = (states for name, states in LIMITS.items() if _is_day(_COLUMNS[name]) == day)
    return frozenset().union(*of_kind)


def _begins(day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.timezone("UTC", sa.cast(day, sa.DateTime()))


DUE: sa.ColumnElement[Any] = sa.func.least(
    *(sa.case((counts, limit)) for counts, limit in _INSTANTS),
    *(sa.case((counts, _begins(day))) for counts, day in _DAYS),
)
"""NULL: there is no deadline."""
_UNSHARED: sa.ColumnElement[Any] = sa.case(
    (in_states(LIMITS["clinical_deadline"]), _COLUMNS["unshared_deadline"])
)
"""A clinical deadline that only the sender may see: it must not affect the order of a recipient's list."""
SENDERS_DUE_OR_NEVER = sa.func.coalesce(sa.func.least(DUE, _UNSHARED), NEVER)


# The indexes `referrals_due` and `referrals_late_newest` use these expressions. Under row security, only leakproof
# functions can use an index, and converting a date by time zone is not leakproof.
FIRST_INSTANT: sa.ColumnElement[Any] = sa.func.least(
    *(sa.case((counts, limit)) for counts, limit in _INSTANTS)
)
((_counts, _day),) = _DAYS
FIRST_DAY: sa.ColumnElement[Any] = sa.case((_counts, _day))
BY_DAY = _states_of(day=True)
BY_INSTANT = _states_of(day=False)
if BY_INSTANT & BY_DAY:
    raise TypeError("a state has limits that are instants, or days: a queue is in the order of one")


def before(limit: Any, moment: Any) -> sa.ColumnElement[bool]:
    early: sa.ColumnElement[bool] = limit < moment
    return early


def overdue(now: datetime) -> sa.ColumnElement[bool]:
    late_by_day = sa.or_(*(counts & before(day, clock.day_of(now)) for counts, day in _DAYS))
    # Repeat the state condition, because the queue's index needs it.
    return _LIMITED & sa.or_(before(FIRST_INSTANT, now), late_by_day)


def overdue_to_sender(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(overdue(now), before(_UNSHARED, now))
