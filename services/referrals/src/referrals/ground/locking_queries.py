"""The single lock order for everything that writes about a case.

1. The key of a repeated command. It never waits: a second command is refused (common.http.idempotency).
2. For commands on several cases (duplicates): the lock of all such commands, `hold_pairing`.
3. The case, for one command at a time: `hold_case`, or `held` in the statement that locks a row of it. It is an
  advisory lock, so a recipient without rights to the case's row can take it too.
4. Rows of the case, in any order: the case lock excludes other writers.
5. The head of the case's audit chain, with the entries, last.

Sending takes one more lock, in shared mode, together with its draft (`sending`). Code that finds a service closed waits
for running send transactions before it flags their referrals (`wait_for_sendings`). Otherwise a transaction that has
just read the service would not be flagged.

Code that takes a single lock does not need the case lock: a read that writes an audit entry locks only the chain's
head. The directory's events flag referrals of many cases, but lock only those rows, in id order. A command that changes
several referrals of its case does the same (`in_order`).
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_PAIRING = 0x52555250
_SENDING = 0x52555253


def held(case_id: Any, *, wait: bool = True) -> sa.ColumnElement[bool]:
    """Return a condition for a statement that locks a row of the case in column `case_id`: true once the transaction
    holds the case.

    Without `wait` it is false while another transaction holds the case. Other rows in the same statement may predate
    the lock: read them in the next statement.
    """
    return sa.func.hold_case(case_id, sa.literal(wait), type_=sa.Boolean)


async def hold_case(session: AsyncSession, case_id: UUID) -> None:
    """Wait for the case lock and hold it until the transaction ends."""
    await session.execute(sa.select(sa.func.hold_case(case_id, True)))


async def hold_pairing(session: AsyncSession) -> None:
    """Take this lock before locking several cases: only one such command runs at a time."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_PAIRING)))


def sending() -> sa.ColumnElement[bool]:
    """Return a condition for the statement that locks a draft to send it, before it reads the draft's service."""
    return sa.cast(sa.func.pg_advisory_xact_lock_shared(_SENDING), sa.Text).is_not(None)


async def wait_for_sendings(session: AsyncSession) -> None:
    """Wait until running send transactions commit; new ones wait for this transaction."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_SENDING)))


def in_order(referrals: sa.FromClause, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return a condition for a statement that changes several referrals: it locks them in id order."""
    ids = sa.select(referrals.c.id).where(which).order_by(referrals.c.id)
    return referrals.c.id.in_(ids.with_for_update(key_share=True))
