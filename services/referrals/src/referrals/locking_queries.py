"""The one order in which everything that writes about a case takes its locks.

1. The key of a repeated command. It never waits: a second one is refused (common.web.idempotency).
2. For what concerns several cases (doubles): the lock of all such commands, `hold_pairing`.
3. The case: one command at a time. `hold_case`, or `held` in the statement that locks a row of it.
   It is an advisory lock, so a recipient takes it too, who has no right to the case's row.
4. Rows of the case, in any order: nobody else who writes them is here.
5. The head of the case's audit chain, with the entries, last.

Sending shares one lock more, with its draft (`sending`), or before anything else where commands are done together of
which one sends what another drafts (`share_sendings`): who finds that a service takes no referral any
more waits for those that are being sent before it flags them (`wait_for_sendings`). Else one that
read the service just before would be sent without the flag. Whoever holds it from the beginning may yet wait for a case
of somebody who waits for it behind such a one; PostgreSQL then gives one of them up, which is done again (`retrying`).

What takes no more than one lock may do without the case: a reading that leaves an audit entry
locks the chain's head and nothing else. The directory's events flag referrals of many cases: they
lock those rows and nothing else, in the order of the ids, and so does a command that changes
several referrals of its case (`in_order`).
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.database import of_transaction
from common.reads import QuickStatement
from sqlalchemy.ext.asyncio import AsyncSession

_PAIRING = 0x52555250
_SENDING = 0x52555253
_HOLD = QuickStatement(sa.select(sa.func.hold_case(sa.bindparam("case_id", type_=sa.Uuid()), True)))
_HOLD_PAIRING = QuickStatement(sa.select(sa.func.pg_advisory_xact_lock(_PAIRING)))
_WAIT_FOR_SENDINGS = QuickStatement(sa.select(sa.func.pg_advisory_xact_lock(_SENDING)))


def held(case_id: Any, *, wait: bool = True) -> sa.ColumnElement[bool]:
    """For the WHERE of a statement that locks a row of the case in column `case_id`.

    It is asked last, of rows that the caller may have. True once the case is held until the
    transaction ends; without `wait` false while somebody else holds it. What the same statement
    reads beside the locked row may be older than the lock: read it in the next one.
    """
    return sa.func.hold_case(case_id, sa.literal(wait), type_=sa.Boolean)


async def hold_case(session: AsyncSession, case_id: UUID) -> None:
    """Wait for the case and hold it until the transaction ends."""
    await _HOLD.first(session, {"case_id": case_id})


def held_already(session: AsyncSession) -> set[UUID]:
    """Cases that this transaction holds, or has made, and nobody else knows of: what an earlier command of
    the same transaction waited for is not waited for again."""
    held_cases: set[UUID] = of_transaction(session).setdefault("held_cases", set())
    return held_cases


async def hold_pairing(session: AsyncSession) -> None:
    """Before a command holds more than one case: there is one such command at a time."""
    await _HOLD_PAIRING.first(session)


def sending() -> sa.ColumnElement[bool]:
    """For the WHERE of the statement that locks a draft to send it, before its service is read."""
    return sa.cast(sa.func.pg_advisory_xact_lock_shared(_SENDING), sa.Text).is_not(None)


def share_sendings(session: AsyncSession) -> str:
    """What a transaction begins with (`SharedWork.locks`) that makes drafts and sends them: so what it reads of a
    service later, it may send by, without asking for its own draft first."""
    of_transaction(session)["shares_sendings"] = True
    return f"pg_advisory_xact_lock_shared({_SENDING})"


def shares_sendings(session: AsyncSession) -> bool:
    return "shares_sendings" in of_transaction(session)


async def wait_for_sendings(session: AsyncSession) -> None:
    """Those that have begun are committed after it; those that begin wait for this transaction."""
    await _WAIT_FOR_SENDINGS.first(session)


def in_order(referrals: sa.FromClause, which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """For the WHERE of a statement that changes several referrals: it locks them by their ids."""
    ids = sa.select(referrals.c.id).where(which).order_by(referrals.c.id)
    return referrals.c.id.in_(ids.with_for_update(key_share=True))
