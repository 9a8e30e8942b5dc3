"""The ended rights that the front sends to each service (decision 0179).

A row says whether an organisation, person or client is suspended now, and until when its tokens are void. One special
row contains the time of the whole list. Workers check the table in the statement that claims their work, so the check
costs no extra round trip.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from common.auth.ended import EndedRight, Named, Why, asked_at, why_ended
from common.auth.principal import Principal
from common.db.endings import Ending
from common.errors import PROBLEMS, Problem

RIGHTS_ENDED = PROBLEMS["rights_ended"]
# Longer than any work remains in a queue.
_KEPT = timedelta(days=30)
_LIST = ("list", "")


def ended_rights(metadata: sa.MetaData) -> sa.Table:
    """Declare the table in a service's metadata."""
    return sa.Table(
        "ended_rights",
        metadata,
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("changed_until", sa.DateTime(timezone=True)),
    )


def ending(table: sa.Table) -> Ending:
    """Return when rows expire. Suspensions remain. Changes of rights expire once no older work can be queued."""
    return Ending(table, table.c.changed_until, _KEPT, sa.not_(table.c.suspended))


def suspended(table: sa.Table, *targets: sa.ColumnExpressionArgument[Any]) -> sa.Exists:
    """Return the condition that one of these ids (organisations, subjects or clients) is currently suspended."""
    ids = [sa.cast(each, sa.Text) for each in targets]
    return sa.exists().where(table.c.target.in_(ids), table.c.suspended)


def organisation_suspended(
    table: sa.Table, organisation: sa.ColumnExpressionArgument[Any]
) -> sa.Exists:
    """Return the condition that the organisation with this id is currently suspended."""
    of_it = (
        table.c.kind == Named.ORGANISATION.value,
        table.c.target == sa.cast(organisation, sa.Text),
    )
    return sa.exists().where(*of_it, table.c.suspended)


async def suspended_organisations(session: AsyncSession, table: sa.Table) -> list[UUID]:
    rows = await session.scalars(
        sa.select(table.c.target).where(table.c.kind == Named.ORGANISATION.value, table.c.suspended)
    )
    return [UUID(each) for each in rows]


async def suspended_among(
    session: AsyncSession, table: sa.Table, targets: Collection[str]
) -> frozenset[str]:
    rows = await session.scalars(
        sa.select(table.c.target).where(table.c.target.in_(targets), table.c.suspended)
    )
    return frozenset(rows)


async def refuse_ended(session: AsyncSession, table: sa.Table, claims: Mapping[str, Any]) -> None:
    """Raise `RIGHTS_ENDED` if work ordered under these claims may no longer run."""
    principal = Principal.from_claims(claims)
    names = {
        (Named.SUBJECT.value, principal.subject),
        (Named.CLIENT.value, principal.client_id),
        (Named.ORGANISATION.value, str(principal.organisation_id)),
    }
    rows = await session.execute(
        sa.select(table.c.kind, table.c.suspended, table.c.changed_until).where(
            sa.tuple_(table.c.kind, table.c.target).in_(names)
        )
    )
    found = [
        EndedRight(Named(kind), off, until.timestamp() if until else None)
        for kind, off, until in rows
    ]
    if why := why_ended(found, asked_at(claims)):
        raise ended(why)


def ended(why: Why) -> Problem:
    match why:
        case Why.ORGANISATION_SUSPENDED:
            return RIGHTS_ENDED.because("organisation_that_asked_is_suspended")
        case Why.ACCOUNT_SUSPENDED:
            return RIGHTS_ENDED.because("account_that_asked_is_switched_off")
        case Why.RIGHTS_CHANGED:
            return RIGHTS_ENDED.because("rights_of_who_asked_were_changed")


async def take_in(
    session: AsyncSession,
    table: sa.Table,
    as_of: float,
    off: Mapping[Named, Collection[str]],
    changed: Mapping[Named, Mapping[str, float]],
) -> frozenset[str]:
    """Store the issuer's list and return the newly suspended ids. Changes of rights that are no longer in the list
    remain until they expire: the issuer lists them for half an hour, but work may be queued for longer. `as_of` is the
    time of the list. Several fronts send lists, and an older list must not replace a newer one."""
    await session.execute(sa.text("LOCK TABLE ended_rights IN SHARE ROW EXCLUSIVE MODE"))
    rows = await session.execute(sa.select(table))
    known = {(row.kind, row.target): (row.suspended, row.changed_until) for row in rows}
    said_at = datetime.fromtimestamp(as_of, UTC)
    if said_at <= (known.pop(_LIST, (False, None))[1] or datetime.fromtimestamp(0, UTC)):
        return frozenset()
    now_off = {(kind.value, target) for kind, targets in off.items() for target in targets}
    until = {
        (kind.value, target): datetime.fromtimestamp(at, UTC)
        for kind, targets in changed.items()
        for target, at in targets.items()
    }
    said = {
        each: (each in now_off, until.get(each, known.get(each, (False, None))[1]))
        for each in known.keys() | now_off | until.keys()
    }
    different = {each: says for each, says in said.items() if known.get(each) != says}
    different[_LIST] = (False, said_at)
    statement = insert(table)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["target", "kind"],
            set_={name: statement.excluded[name] for name in ("suspended", "changed_until")},
        ),
        [
            {"kind": kind, "target": target, "suspended": off_now, "changed_until": at}
            for (kind, target), (off_now, at) in different.items()
        ],
    )
    await session.execute(
        sa.delete(table).where(sa.not_(table.c.suspended), table.c.changed_until.is_(None))
    )
    return frozenset(
        target for kind, target in now_off if not known.get((kind, target), (False, None))[0]
    )
