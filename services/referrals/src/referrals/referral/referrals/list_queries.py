"""Referral lists and queues: filters, and rows that are due or overdue."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import paging
from common.auth import Principal
from common.paging import id_cursor, id_in, keys_in, moment_in
from common.words.referral_states import OPEN, TERMINAL, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.case.cases.queries import looked_into_by
from referrals.case.consents.queries import ends_soon
from referrals.ground.waiting_queries import NEVER
from referrals.referral.referrals.due import due, due_to_sender
from referrals.referral.referrals.due_queries import (
    SENDERS_DUE_OR_NEVER,
    overdue,
    overdue_to_sender,
)
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.queries import SHARED, UNHEARD
from referrals.referral.referrals.queue_queries import After, Queue, by_deadline, newest

_OPEN_STATES = sorted(state.value for state in OPEN)
_CLOSED_STATES = sorted(state.value for state in TERMINAL)
_COLUMNS = sa.inspect(Referral).columns
UNCONFIRMED = frozenset({ReferralState.COMPLETED, ReferralState.NOT_DELIVERED})
"""Outcomes to confirm with the person."""
UNDER_CONSENT = OPEN - {ReferralState.DRAFT}
"""States in which the end of the consent ends the recipient's reading."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters and order of a list; an empty value means no filter.

    `unreplaced`: no other referral of the case replaces it. `unconfirmed`: its outcome lacks confirmation.
    `consent_ending`: it is open and its consent ends soon or has ended. `by_deadline`: earliest deadline first, rows
    without a deadline last.
    """

    states: Sequence[str] = ()
    urgencies: Sequence[str] = ()
    categories: Sequence[str] = ()
    service_id: UUID | None = None
    case_id: UUID | None = None
    overdue_at: datetime | None = None
    unreplaced: bool = False
    unconfirmed: bool = False
    consent_ending: bool = False
    closed_since: datetime | None = None
    by_deadline: bool = False
    cursor: str | None = None
    limit: int = 50

    @property
    def queue(self) -> Queue:
        if self.case_id or self.unreplaced or self.unconfirmed or self.consent_ending:
            raise ValueError("a queue is not narrowed by what only a referrer asks")
        return Queue(
            states=self.states,
            urgencies=self.urgencies,
            categories=self.categories,
            service_id=self.service_id,
            closed_since=self.closed_since,
            late_at=self.overdue_at,
        )


async def received(session: AsyncSession, caller: Principal, wanted: Wanted) -> Sequence[Referral]:
    """Return the recipient's queue, up to one row more than a page."""
    if wanted.by_deadline:
        queue, after = wanted.queue, _after(wanted.cursor)
        return await by_deadline(session, caller, queue, after, wanted.limit + 1)
    before_id = id_cursor(wanted.cursor)
    return await newest(session, caller, wanted.queue, before_id, wanted.limit + 1)


def _after(cursor: str | None) -> After | None:
    keys = keys_in(cursor, lambda due: None if due is None else moment_in(due), id_in)
    return None if keys is None else After(*keys)


async def sent(session: AsyncSession, caller: Principal, wanted: Wanted) -> Sequence[Referral]:
    """Return referrals of the caller's organisation, including drafts, up to one row more than a page."""
    statement = sa.select(Referral).where(
        col(Referral.from_organisation) == caller.organisation, *_narrowed(wanted)
    )
    if wanted.by_deadline:
        after = keys_in(wanted.cursor, _instant_in, id_in)
        if after is not None:
            row = sa.tuple_(SENDERS_DUE_OR_NEVER, col(Referral.id))
            statement = statement.where(row > sa.tuple_(after[0], sa.literal(after[1])))
        statement = statement.order_by(SENDERS_DUE_OR_NEVER, col(Referral.id))
    else:
        before = id_cursor(wanted.cursor)
        if before is not None:
            statement = statement.where(col(Referral.id) < before)
        statement = statement.order_by(col(Referral.id).desc())
    return (await session.scalars(statement.limit(wanted.limit + 1))).all()


def _narrowed(wanted: Wanted) -> Iterator[sa.ColumnElement[bool]]:
    for column, values in (
        (Referral.state, wanted.states),
        (Referral.urgency, wanted.urgencies),
        (Referral.category, wanted.categories),
    ):
        if values:
            yield col(column).in_(values)
    if wanted.case_id is not None:
        yield col(Referral.case_id) == wanted.case_id
    if wanted.overdue_at is not None:
        yield overdue_to_sender(wanted.overdue_at)
    if wanted.unreplaced:
        yield unreplaced()
    if wanted.unconfirmed:
        yield col(Referral.state).in_(sorted(state.value for state in UNCONFIRMED))
        yield col(Referral.feedback_confirmed_at).is_(None)
    if wanted.consent_ending:
        yield col(Referral.state).in_(sorted(state.value for state in UNDER_CONSENT))
        yield ends_soon(col(Referral.grant_id))
    if wanted.closed_since is not None:
        yield col(Referral.state).in_(_CLOSED_STATES)
        yield col(Referral.changed_at) >= wanted.closed_since


def unreplaced() -> sa.ColumnElement[bool]:
    """Return the condition that no other referral of the case replaces this one."""
    other = aliased(Referral)
    instead = sa.exists().where(
        col(other.case_id) == col(Referral.case_id), col(other.replaces) == col(Referral.id)
    )
    return sa.not_(instead)


def _instant_in(key: Any) -> sa.ColumnElement[Any]:
    return NEVER if key is None else sa.literal(moment_in(key), _INSTANT)


def next_cursor(rows: Sequence[Referral], wanted: Wanted, *, sender: bool = False) -> str | None:
    due_of = due_to_sender if sender else due
    key = (lambda row: (due_of(row), row.id)) if wanted.by_deadline else attrgetter("id")
    return paging.next_cursor(rows, wanted.limit, key)


_INSTANT = sa.DateTime(timezone=True)


async def open_counts(
    session: AsyncSession, caller: Principal, case_ids: Collection[UUID]
) -> dict[UUID, int]:
    """Return the number of open referrals for each of the caller's cases; omit cases without any."""
    rows = await session.execute(
        sa.select(col(Referral.case_id), sa.func.count())
        .where(
            col(Referral.case_id).in_(case_ids),
            col(Referral.from_organisation) == caller.organisation,
            col(Referral.state).in_(_OPEN_STATES),
        )
        .group_by(col(Referral.case_id))
    )
    return {row[0]: row[1] for row in rows}


async def overdue_counts(
    session: AsyncSession, caller: Principal, now: datetime, *columns: str
) -> Sequence[Any]:
    """Count, grouped by these columns, the referrals that the caller coordinates and that are overdue or whose
    recipient got no notice. Requires service rights."""
    by = [_COLUMNS[name] for name in columns]
    rows = await session.execute(
        sa.select(*by, sa.func.count().label("number"))
        .where(
            sa.or_(
                sa.and_(sa.or_(overdue(now), UNHEARD), col(Referral.aor).in_(sorted(caller.aors))),
                sa.and_(UNHEARD, col(Referral.aor) == SHARED),
            ),
            looked_into_by(caller, Referral.case_id),
        )
        .group_by(*by)
        .order_by(*by)
    )
    return rows.all()
