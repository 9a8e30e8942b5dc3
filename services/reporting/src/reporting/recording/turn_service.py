"""Whose turn it is to write the projection, and writing what follows from what was read without a lock."""

from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.reads import QuickStatement
from sqlalchemy.dialects.postgresql import insert

from reporting.facts.bulk import BulkInsert, Parts, sorted_out, together
from reporting.recording.models import projection_turns
from reporting.tables import COMMON, WRITER_LOCK


async def write_if(driver: Any, turn: int, consumer: str, event: UUID, parts: Parts) -> bool:
    """Write `parts` and the row of the inbox in a transaction of their own, unless somebody writes the projection
    or has had a turn since; whether they were written. Nothing is, or all of it.

    The statement's snapshot may be older than the lock it takes, and its tables those of before a swap. But the row
    of the turn is locked in its newest version, and whoever writes, closes or swaps has moved it on before
    giving up the writers' lock.
    """
    inserts, values = sorted_out(parts)
    given = {"turn": turn, "consumer": consumer, "event_id": event, "handled_at": clock.now()}
    (written,) = await _written_if(inserts).straight(driver, given | values)
    return bool(written)


@cache
def _written_if(inserts: tuple[BulkInsert, ...]) -> QuickStatement:
    mine = (
        sa.select(projection_turns.c.turn)
        .where(
            projection_turns.c.turn == sa.bindparam("turn", type_=sa.BigInteger()),
            sa.func.pg_try_advisory_xact_lock(WRITER_LOCK),
        )
        .with_for_update()
        .cte("mine")
    )
    inbox = COMMON.inbox
    names = ("consumer", "event_id", "handled_at")
    values = (sa.bindparam(name, type_=inbox.c[name].type) for name in names)
    first = (
        insert(inbox)
        .from_select(names, sa.select(*values).where(sa.exists(sa.select(mine.c.turn))))
        .on_conflict_do_nothing()
        .returning(inbox.c.event_id)
        .cte("first_time")
    )
    is_first = sa.exists(sa.select(first.c.event_id))
    return QuickStatement(sa.select(is_first).add_cte(*together(inserts, is_first)))


NEXT_TURN = projection_turns.update().values(turn=projection_turns.c.turn + 1)
"""For whoever changes what the projection says, or its name, without a row of the inbox."""
