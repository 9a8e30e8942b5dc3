"""Whose turn it is to write the projection, and writing what follows from what was read without a lock."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.reads import QuickStatement
from sqlalchemy.dialects.postgresql import insert

from reporting.facts.arrivals import REFERRED
from reporting.facts.bulk import BulkInsert, Parts, sorted_out, together
from reporting.facts.progress import ReferralFact
from reporting.facts.queries import forgotten, referral, referral_that_stands
from reporting.recording.models import projection_turns
from reporting.releases.queries import closed_on
from reporting.tables import COMMON, WRITER_LOCK

_WAS = "was_"
_Conditions: TypeAlias = Sequence[sa.ColumnElement[bool]]


class Guess(NamedTuple):
    """Of a step of a referral: that the referral stands as `stood` says (None: nothing is known of it), that whom
    `mark` belongs to was not erased, and that the period of `day` is not closed."""

    referral: UUID
    stood: ReferralFact | None
    mark: bytes | None
    day: date


async def write_if(driver: Any, turn: int, consumer: str, event: UUID, parts: Parts) -> bool:
    """Write `parts` and the row of the inbox in a transaction of their own, unless somebody writes the projection
    or has had a turn since; whether they were written. Nothing is, or all of it.

    The statement's snapshot may be older than the lock it takes, and its tables those of before a swap. But the row
    of the turn is locked in its newest version, and whoever writes, closes or swaps has moved it on before
    giving up the writers' lock.
    """
    return await _write(driver, _as_read, {"turn": turn}, consumer, event, parts)


async def write_as_guessed(
    driver: Any, guess: Guess, consumer: str, event: UUID, parts: Parts
) -> bool:
    """`write_if` of what follows from a guess that nobody looked at: the statement itself does, and the turn that
    its snapshot shows has to be the newest."""
    way, values = (
        (_as_remembered, {_WAS + name: value for name, value in guess.stood._asdict().items()})
        if guess.stood
        else (_as_new, {"referral": guess.referral})
    )
    special = {"mark": guess.mark, "day": guess.day}
    return await _write(driver, way, values | special, consumer, event, parts)


async def _write(
    driver: Any,
    way: Callable[[], _Conditions],
    values: Mapping[str, Any],
    consumer: str,
    event: UUID,
    parts: Parts,
) -> bool:
    inserts, rows = sorted_out(parts)
    given = {"consumer": consumer, "event_id": event, "handled_at": clock.now()}
    (written,) = await _written_if(inserts, way).straight(driver, {**given, **values, **rows})
    return bool(written)


def _as_read() -> _Conditions:
    return [projection_turns.c.turn == sa.bindparam("turn", type_=sa.BigInteger())]


def _as_new() -> _Conditions:
    return [*_nothing_special(), ~sa.exists(referral("referral"))]


def _as_remembered() -> _Conditions:
    return [*_nothing_special(), sa.exists(referral_that_stands(_WAS))]


def _nothing_special() -> _Conditions:
    seen = projection_turns.alias("seen")
    return [
        projection_turns.c.turn == sa.select(seen.c.turn).scalar_subquery(),
        ~sa.exists(forgotten("mark")),
        ~sa.exists(closed_on(REFERRED, sa.bindparam("day", type_=sa.Date()))),
    ]


@cache
def _written_if(inserts: tuple[BulkInsert, ...], way: Callable[[], _Conditions]) -> QuickStatement:
    mine = (
        sa.select(projection_turns.c.turn)
        .where(
            *way(),
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
