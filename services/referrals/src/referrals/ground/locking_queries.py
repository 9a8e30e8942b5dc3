"""The one order in which everything that writes about a case takes its locks.

1. The key of a repeated command. It never waits: a second one is refused (common.http.idempotency).
2. For what concerns several cases (doubles): the lock of all such commands, `hold_pairing`.
3. The case: one command at a time. `hold_case`, or `held` in the statement that locks a row of it.
   It is an advisory lock, so a recipient takes it too, who has no right to the case's row.
4. Rows of the case, in any order: nobody else who writes them is here.
5. The head of the case's audit chain, with the entries, last.

Sending shares one lock more, with its draft (`sending`): who finds that a service takes no referral any
more waits for those that are being sent before it flags them (`wait_for_sendings`). Else one that
read the service just before would be sent without the flag.

What takes no more than one lock may do without the case: a reading that leaves an audit entry
locks the chain's head and nothing else. The directory's events flag referrals of many cases: they
lock those rows and nothing else, in the order of the ids, and so does a command that changes
several referrals of its case (`in_order`).
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_PAIRING = 0x52555250
_SENDING = 0x52555253


def held(case_id: Any, *, wait: bool = True) -> sa.ColumnElement[bool]:
    """For the WHERE of a statement that locks a row of the case in column `case_id`: true once the transaction holds
    the case; without `wait` false while another does.

    Other rows read by the same statement may be older than the lock: read them in the next one.
    """
    return sa.func.hold_case(case_id, sa.literal(wait), type_=sa.Boolean)


async def hold_case(session: AsyncSession, case_id: UUID) -> None:
    """Wait for the case and hold it until the transaction ends."""
    await session.execute(sa.select(sa.func.hold_case(case_id, True)))


async def hold_pairing(session: AsyncSession) -> None:
    """Before a command holds more than one case: there is one such command at a time."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_PAIRING)))


def sending() -> sa.ColumnElement[bool]:
    """For the WHERE of the statement that locks a draft to send it, before its service is read."""
    return sa.cast(sa.func.pg_advisory_xact_lock_shared(_SENDING), sa.Text).is_not(None)


async def wait_for_sendings(session: AsyncSession) -> None:
    """Those that have begun are committed after it; those that begin wait for this transaction."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_SENDING)))


def in_order(referrals: sa.FromClause, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """For the WHERE of a statement that changes several referrals: it locks them by their ids."""
    ids = sa.select(referrals.c.id).where(which).order_by(referrals.c.id)
    return referrals.c.id.in_(ids.with_for_update(key_share=True))
