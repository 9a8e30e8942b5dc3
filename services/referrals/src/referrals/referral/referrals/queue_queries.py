"""Reads a page of a queue, newest first or by deadline.

It reads state by state from an index of open referrals, because one sort over all states would slow down as the queue
grows.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.words.referral_states import OPEN, TERMINAL
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.referral.referrals.due_queries import (
    BY_DAY,
    BY_INSTANT,
    DUE,
    FIRST_DAY,
    FIRST_INSTANT,
    IS_OPEN,
    before,
)
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.queries import addressed_to
from referrals.tables import Instant, Texts

# PostgreSQL overestimates the selectivity of row security. Without this setting it would fetch and sort all of a
# service's referrals to find the newest page.
IN_INDEX_ORDER = sa.select(sa.func.set_config("enable_sort", "off", True))

CHANGED_FOR_RECIPIENT: sa.ColumnElement[Any] = sa.func.coalesce(
    sa.cast(col(Referral.held_still)["changed_at"].astext, Instant()), col(Referral.changed_at)
)
"""The value that `seen_by` shows: later changes do not reveal a referral whose view is frozen."""

Begins = Literal["at first", "at an instant", "at midnight", "undated"]
"""The kind of row after which a page begins. Rows due within a day come after those due at its start."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Queue filters; an empty value means no filter. `late_at`: only referrals that are overdue at this time."""

    states: Collection[str] = ()
    urgencies: Sequence[str] = ()
    categories: Sequence[str] = ()
    service_id: UUID | None = None
    closed_since: datetime | None = None
    late_at: datetime | None = None

    def of_those(self, states: Collection[str]) -> list[str]:
        return sorted(set(self.states) & set(states) if self.states else states)


@dataclass(frozen=True)
class After:
    """The last row of the previous page. `due` is None if it has no deadline."""

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
    """Return the first `most` rows by deadline, with rows without a deadline last."""
    await session.execute(IN_INDEX_ORDER)
    rows: list[Referral] = []
    if after is None or after.begins != "undated":
        rows += await session.scalars(dated_rows(caller, queue, after, most))
    if len(rows) < most and queue.late_at is None:
        behind = after if after is not None and after.begins == "undated" else None
        rows += await session.scalars(undated_rows(caller, queue, behind, most - len(rows)))
    return rows


async def newest(
    session: AsyncSession, caller: Principal, queue: Queue, before_id: UUID | None, most: int
) -> list[Referral]:
    """Return the newest `most` rows; `before_id` is the last id of the previous page."""
    await session.execute(IN_INDEX_ORDER)
    states = queue.of_those(TERMINAL) if queue.closed_since else sorted(set(queue.states))
    if queue.late_at is not None:
        page = overdue_rows(caller, queue, before_id, most)
    elif len(states) > 1 or queue.closed_since:
        page = newest_of_states(caller, queue, states, before_id, most)
    else:
        asked = _newest_asked(caller, queue, before_id)
        asked += [col(Referral.state) == state for state in states]
        page = sa.select(Referral).where(*asked).order_by(*_NEWEST).limit(most)
    return list(await session.scalars(page))


_NEWEST = (col(Referral.id).desc(),)
_IN_ORDER = (FIRST_INSTANT, FIRST_DAY, col(Referral.id))
"""The order of deadlines within one state, as a state has deadlines of one kind."""


def dated_rows(
    caller: Principal, queue: Queue, after: After | None, most: int
) -> sa.Select[Referral]:
    """Select rows due at an instant and rows due at the start of a day, one page per state."""
    asked = [*_asked(caller, queue), IS_OPEN]
    at: list[sa.ColumnElement[bool]] = [FIRST_INSTANT.is_not(None)]
    on: list[sa.ColumnElement[bool]] = [FIRST_DAY.is_not(None)]
    if queue.late_at is not None:
        late_at, late_on = _late(queue.late_at)
        at.append(late_at)
        on.append(late_on)
    if after is not None and after.due is not None:
        due = after.due.astimezone(UTC)
        day: sa.ColumnElement[Any] = sa.literal(clock.utc_day(due), sa.Date())
        at.append(_behind(FIRST_INSTANT, sa.literal(due, Instant()), after.id))
        at_midnight = after.begins == "at midnight"
        on.append(_behind(FIRST_DAY, day, after.id) if at_midnight else before(day, FIRST_DAY))
    return _page(
        most,
        _of_each(queue.of_those(_open(queue, BY_INSTANT)), [*asked, *at], _IN_ORDER, most),
        _of_each(queue.of_those(_open(queue, BY_DAY)), [*asked, *on], _IN_ORDER, most),
    )


def undated_rows(
    caller: Principal, queue: Queue, after: After | None, most: int
) -> sa.Select[Referral]:
    """Select, by id, open rows without a deadline and rows of ended referrals."""
    asked = _asked(caller, queue)
    if after is not None:
        asked.append(col(Referral.id) > after.id)
    without = [FIRST_INSTANT.is_(None), FIRST_DAY.is_(None), IS_OPEN]
    return _page(
        most,
        _of_each(queue.of_those(_open(queue, OPEN)), [*asked, *without], _IN_ORDER, most),
        _of_each(queue.of_those(TERMINAL), asked, [col(Referral.id)], most),
    )


def overdue_rows(
    caller: Principal, queue: Queue, before_id: UUID | None, most: int
) -> sa.Select[Referral]:
    """Select overdue rows, newest first, by walking each state's index and checking each row."""
    if queue.late_at is None:
        raise ValueError("overdue when?")
    asked = [*_newest_asked(caller, queue, before_id), IS_OPEN]
    late_at, late_on = _late(queue.late_at)
    return _newest_page(
        most,
        _of_each(queue.of_those(_open(queue, BY_INSTANT)), [*asked, late_at], _NEWEST, most),
        _of_each(queue.of_those(_open(queue, BY_DAY)), [*asked, late_on], _NEWEST, most),
    )


def newest_of_states(
    caller: Principal, queue: Queue, states: Sequence[str], before_id: UUID | None, most: int
) -> sa.Select[Referral]:
    """Select one page per state, in the order of the id index."""
    asked = _newest_asked(caller, queue, before_id)
    return _newest_page(most, _of_each(states, asked, _NEWEST, most))


def _open(queue: Queue, states: Collection[str]) -> Collection[str]:
    """Return the given states, or no states for a queue of ended referrals."""
    return () if queue.closed_since else states


def _late(at: datetime) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return (
        before(FIRST_INSTANT, sa.literal(at, Instant())),
        before(FIRST_DAY, sa.literal(clock.day_of(at), sa.Date())),
    )


def _asked(caller: Principal, queue: Queue) -> list[sa.ColumnElement[bool]]:
    asked = [addressed_to(caller)]
    if queue.urgencies:
        asked.append(col(Referral.urgency) == sa.any_(sa.literal([*queue.urgencies], Texts())))
    if queue.categories:
        asked.append(col(Referral.category) == sa.any_(sa.literal([*queue.categories], Texts())))
    if queue.service_id is not None:
        asked.append(col(Referral.service_id) == queue.service_id)
    if queue.closed_since is not None:
        asked.append(sa.literal(queue.closed_since, Instant()) <= CHANGED_FOR_RECIPIENT)
    return asked


def _newest_asked(
    caller: Principal, queue: Queue, before_id: UUID | None
) -> list[sa.ColumnElement[bool]]:
    behind = [] if before_id is None else [col(Referral.id) < before_id]
    return [*_asked(caller, queue), *behind]


def _behind(limit: Any, value: Any, after_id: UUID) -> sa.ColumnElement[bool]:
    return sa.tuple_(limit, col(Referral.id)) > sa.tuple_(value, sa.literal(after_id, sa.Uuid()))


def _of_each(
    states: Collection[str],
    asked: Sequence[sa.ColumnElement[bool]],
    order: Sequence[Any],
    most: int,
) -> sa.Select[Any]:
    each = (
        sa.func.unnest(sa.literal(list(states), Texts()))
        .table_valued("state", name="each_state")
        .render_derived()
    )
    some = (
        sa.select(Referral, DUE.label("due_at"))
        .where(*asked, col(Referral.state) == each.c.state)
        .order_by(*order)
        .limit(most)
        .correlate(each)
        .lateral()
    )
    return sa.select(some).select_from(each.join(some, sa.true()))


def _page(most: int, *parts: sa.Select[Any]) -> sa.Select[Referral]:
    found = sa.union_all(*parts).subquery("found")
    shown = sa.select(aliased(Referral, found))
    return shown.order_by(found.c.due_at, found.c.id).limit(most)


def _newest_page(most: int, *parts: sa.Select[Any]) -> sa.Select[Referral]:
    found = sa.union_all(*parts).subquery("found")
    return sa.select(aliased(Referral, found)).order_by(found.c.id.desc()).limit(most)
