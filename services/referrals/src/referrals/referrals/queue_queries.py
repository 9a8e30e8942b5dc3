"""A page of a queue, newest first or by deadline, by a statement that is composed once. What is due or overdue
is read state by state from an index of what is open, from where the page begins.

Sorted all at once, a page took the longer, the more was open.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.database import PLANNED_ONCE, set_for_transaction
from common.reads import QuickStatement
from common.referral_states import OPEN, TERMINAL
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.referrals.due_queries import (
    BY_DAY,
    BY_INSTANT,
    DUE,
    FIRST_DAY,
    FIRST_INSTANT,
    IS_OPEN,
    before,
)
from referrals.referrals.models import Referral
from referrals.referrals.queries import addressed_to, caller_values
from referrals.tables import Instant, Texts

# PostgreSQL takes row security for far more selective than it is: it would fetch and sort all that
# a service ever received to find the newest page, and plan each page anew to save what it never costs.
IN_INDEX_ORDER = f"set_config('enable_sort', 'off', true), {PLANNED_ONCE}"

CHANGED_FOR_RECIPIENT: sa.ColumnElement[Any] = sa.func.coalesce(
    sa.cast(col(Referral.held_still)["changed_at"].astext, Instant()), col(Referral.changed_at)
)
"""As `seen_by` shows it: what stands still in the recipient's eyes is not found by a later change."""

Begins = Literal["at first", "at an instant", "at midnight", "undated"]
"""Behind which row a page begins. What is due within a day comes behind what is due when it begins."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What a queue is narrowed to; empty: not by this. `late_at`: only what is overdue then."""

    states: Collection[str] = ()
    urgencies: Sequence[str] = ()
    categories: Sequence[str] = ()
    service_id: UUID | None = None
    closed_since: datetime | None = None
    late_at: datetime | None = None

    @property
    def filters(self) -> frozenset[str]:
        return frozenset(name for name in _FILTERS if getattr(self, name))

    def of_those(self, states: Collection[str]) -> list[str]:
        return sorted(set(self.states) & set(states) if self.states else states)


@dataclass(frozen=True)
class After:
    """The last row of the page before; `due` None: nothing says when it is due."""

    due: datetime | None
    id: UUID

    @property
    def begins(self) -> Begins:
        if self.due is None:
            return "undated"
        midnight = self.due.astimezone(UTC).time() == time.min
        return "at midnight" if midnight else "at an instant"


async def by_deadline(
    session: AsyncSession, caller: Principal, queue: Queue, after: After | None, most: int
) -> list[Referral]:
    """The first `most`, what is due first before, what has no deadline last."""
    await set_for_transaction(session, IN_INDEX_ORDER)
    supervisor, begins = Role.SUPERVISOR in caller.roles, after.begins if after else "at first"
    values = {**caller_values(caller), **values_of(queue, after), "most": most}
    rows: list[Any] = []
    if begins != "undated":
        dated = dated_rows(supervisor, queue.filters, queue.late_at is not None, begins)
        rows += await dated.rows(session, values)
    if len(rows) < most and queue.late_at is None:
        undated = undated_rows(supervisor, queue.filters, begins == "undated")
        rows += await undated.rows(session, {**values, "most": most - len(rows)})
    # When it is due comes last in a row, and is told anew of the referral.
    return [Referral.of(**dict(zip(Referral.model_fields, row, strict=False))) for row in rows]


async def newest(
    session: AsyncSession, caller: Principal, queue: Queue, before_id: UUID | None, most: int
) -> list[Referral]:
    """The newest `most`; `before_id`: the last of the page before."""
    await set_for_transaction(session, IN_INDEX_ORDER)
    supervisor, behind_one = Role.SUPERVISOR in caller.roles, before_id is not None
    values = {
        **caller_values(caller),
        **values_of(queue, None),
        "before_id": before_id,
        "most": most,
    }
    states = queue.of_those(TERMINAL) if queue.closed_since else sorted(set(queue.states))
    if queue.late_at is not None:
        page = overdue_rows(supervisor, queue.filters, behind_one)
    elif len(states) > 1 or queue.closed_since:
        page = newest_of_states(supervisor, queue.filters, behind_one)
    else:
        page = newest_rows(supervisor, queue.filters, bool(states), behind_one)
    rows = await page.rows(session, {**values, "states": states, "state": next(iter(states), None)})
    return [Referral.of(**dict(zip(Referral.model_fields, row, strict=False))) for row in rows]


def values_of(queue: Queue, after: After | None) -> dict[str, Any]:
    due = after.due.astimezone(UTC) if after and after.due else None
    open_to = () if queue.closed_since else OPEN
    return {
        "by_instant": queue.of_those(BY_INSTANT & set(open_to)),
        "by_day": queue.of_those(BY_DAY & set(open_to)),
        "open": queue.of_those(open_to),
        "ended": queue.of_those(TERMINAL),
        "late_at": queue.late_at,
        "late_on": queue.late_at and clock.day_of(queue.late_at),
        "after_due": due,
        "after_day": due and clock.utc_day(due),
        "after_id": after and after.id,
        **{name: getattr(queue, name) for name in queue.filters},
    }


def _bound(name: str, kind: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


_COLUMNS = [col(getattr(Referral, name)) for name in Referral.model_fields]
_NEWEST = (col(Referral.id).desc(),)
_IN_ORDER = (FIRST_INSTANT, FIRST_DAY, col(Referral.id))
"""Of one state it is the order of what is due, as a state has limits of one kind."""
_FILTERS: dict[str, sa.ColumnElement[bool]] = {
    "urgencies": col(Referral.urgency) == sa.any_(_bound("urgencies", Texts())),
    "categories": col(Referral.category) == sa.any_(_bound("categories", Texts())),
    "service_id": col(Referral.service_id) == _bound("service_id", sa.Uuid()),
    "closed_since": _bound("closed_since", Instant()) <= CHANGED_FOR_RECIPIENT,
}
_MOST = _bound("most", sa.Integer())
_AFTER_ID = _bound("after_id", sa.Uuid())
_LATE_BY_INSTANT = before(FIRST_INSTANT, _bound("late_at", Instant()))
_LATE_BY_DAY = before(FIRST_DAY, _bound("late_on", sa.Date()))


@cache
def dated_rows(
    supervisor: bool, filters: frozenset[str], late: bool, begins: Begins
) -> QuickStatement:
    """What is due at an instant, and what is due when a day begins: of each state as much as a page."""
    asked = [*_asked(supervisor, filters), IS_OPEN]
    at: list[sa.ColumnElement[bool]] = [FIRST_INSTANT.is_not(None)]
    on: list[sa.ColumnElement[bool]] = [FIRST_DAY.is_not(None)]
    if late:
        at.append(_LATE_BY_INSTANT)
        on.append(_LATE_BY_DAY)
    if begins != "at first":
        day = _bound("after_day", sa.Date())
        at.append(_behind(FIRST_INSTANT, _bound("after_due", Instant())))
        on.append(_behind(FIRST_DAY, day) if begins == "at midnight" else before(day, FIRST_DAY))
    return _page(
        _of_each("by_instant", [*asked, *at], _IN_ORDER),
        _of_each("by_day", [*asked, *on], _IN_ORDER),
    )


@cache
def undated_rows(supervisor: bool, filters: frozenset[str], behind_one: bool) -> QuickStatement:
    """By their ids: what is open and has no limit, and what has ended."""
    asked = _asked(supervisor, filters)
    if behind_one:
        asked.append(col(Referral.id) > _AFTER_ID)
    without = [FIRST_INSTANT.is_(None), FIRST_DAY.is_(None), IS_OPEN]
    return _page(
        _of_each("open", [*asked, *without], _IN_ORDER),
        _of_each("ended", asked, [col(Referral.id)]),
    )


@cache
def overdue_rows(supervisor: bool, filters: frozenset[str], behind_one: bool) -> QuickStatement:
    """Newest first: of each state its index is walked from there, and tells by itself what is late."""
    asked = [*_newest_asked(supervisor, filters, behind_one), IS_OPEN]
    return _newest_page(
        _of_each("by_instant", [*asked, _LATE_BY_INSTANT], _NEWEST),
        _of_each("by_day", [*asked, _LATE_BY_DAY], _NEWEST),
    )


@cache
def newest_of_states(supervisor: bool, filters: frozenset[str], behind_one: bool) -> QuickStatement:
    """Of each state as much as a page: an index holds each in the order of its ids."""
    asked = _newest_asked(supervisor, filters, behind_one)
    return _newest_page(_of_each("states", asked, _NEWEST))


@cache
def newest_rows(
    supervisor: bool, filters: frozenset[str], of_a_state: bool, behind_one: bool
) -> QuickStatement:
    """Of all states, or of one."""
    asked = _newest_asked(supervisor, filters, behind_one)
    if of_a_state:
        asked.append(col(Referral.state) == _bound("state", sa.Text()))
    return QuickStatement(sa.select(*_COLUMNS).where(*asked).order_by(*_NEWEST).limit(_MOST))


def _newest_asked(
    supervisor: bool, filters: frozenset[str], behind_one: bool
) -> list[sa.ColumnElement[bool]]:
    asked = _asked(supervisor, filters)
    if behind_one:
        asked.append(col(Referral.id) < _bound("before_id", sa.Uuid()))
    return asked


def _newest_page(*parts: sa.Select[Any]) -> QuickStatement:
    found = sa.union_all(*parts).subquery("found")
    return QuickStatement(sa.select(found).order_by(found.c.id.desc()).limit(_MOST))


def _asked(supervisor: bool, filters: frozenset[str]) -> list[sa.ColumnElement[bool]]:
    return [addressed_to(supervisor), *(_FILTERS[name] for name in sorted(filters))]


def _behind(limit: Any, value: Any) -> sa.ColumnElement[bool]:
    return sa.tuple_(limit, col(Referral.id)) > sa.tuple_(value, _AFTER_ID)


def _of_each(
    states: str, asked: Sequence[sa.ColumnElement[bool]], order: Sequence[Any]
) -> sa.Select[Any]:
    each = (
        sa.func.unnest(_bound(states, Texts()))
        .table_valued("state", name=f"each_{states}")
        .render_derived()
    )
    some = (
        sa.select(*_COLUMNS, DUE.label("due_at"))
        .where(*asked, col(Referral.state) == each.c.state)
        .order_by(*order)
        .limit(_MOST)
        .correlate(each)
        .lateral(f"some_{states}")
    )
    return sa.select(some).select_from(each.join(some, sa.true()))


def _page(*parts: sa.Select[Any]) -> QuickStatement:
    found = sa.union_all(*parts).subquery("found")
    page = sa.select(found).order_by(found.c.due_at, found.c.id)
    return QuickStatement(page.limit(_MOST))
