"""Queries for organisations and their memberships."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.organisations.models import memberships, organisations
from gateway.issuer.rights import Identity, effective_aors

# The clients capability is in a higher layer, so this declares only the columns that it needs.
_clients = sa.table("clients", sa.column("id", sa.Text), sa.column("organisation_id", sa.Uuid))


async def organisation(session: AsyncSession, organisation_id: UUID) -> sa.RowMapping | None:
    rows = await session.execute(
        sa.select(organisations).where(organisations.c.id == organisation_id)
    )
    return rows.mappings().one_or_none()


async def page(session: AsyncSession, after: str | None, limit: int) -> Sequence[sa.RowMapping]:
    """Return organisations by id, after `after`. If there are further organisations, return one more than `limit`."""
    statement = sa.select(organisations).order_by(organisations.c.id).limit(limit + 1)
    if after is not None:
        statement = statement.where(sa.cast(organisations.c.id, sa.Text) > after)
    return (await session.execute(statement)).mappings().all()


async def suspended(session: AsyncSession) -> list[str]:
    rows = await session.scalars(
        sa.select(organisations.c.id).where(sa.not_(organisations.c.active))
    )
    return [str(each) for each in rows]


def activity(organisation_id: sa.ColumnElement[Any]) -> sa.Label[Any]:
    """Select `organisation_active` of the organisation in this column. It is NULL if the organisation does not
    exist."""
    active = sa.select(organisations.c.active).where(organisations.c.id == organisation_id)
    return active.scalar_subquery().label("organisation_active")


def naming(organisation_id: sa.ColumnElement[Any]) -> sa.Label[Any]:
    """Select `organisation_name` of the organisation in this column."""
    name = sa.select(organisations.c.name).where(organisations.c.id == organisation_id)
    return name.scalar_subquery().label("organisation_name")


async def membership_aors(session: AsyncSession, organisation_id: UUID) -> tuple[str, ...]:
    rows = await session.scalars(
        sa.select(memberships.c.aor)
        .where(memberships.c.organisation_id == organisation_id)
        .order_by(memberships.c.aor)
    )
    return tuple(rows)


async def aors_of_many(
    session: AsyncSession, organisation_ids: Collection[UUID]
) -> dict[UUID, set[str]]:
    rows = await session.execute(
        sa.select(memberships.c.organisation_id, memberships.c.aor).where(
            memberships.c.organisation_id.in_(organisation_ids)
        )
    )
    found: dict[UUID, set[str]] = {each: set() for each in organisation_ids}
    for organisation_id, aor in rows:
        found[organisation_id].add(aor)
    return found


async def hold_clients(session: AsyncSession, organisation_id: UUID) -> Sequence[str]:
    """Return the ids of the organisation's clients and lock their rows, so that no sign-in through them begins in the
    meantime."""
    statement = sa.select(_clients.c.id).where(_clients.c.organisation_id == organisation_id)
    return (await session.scalars(statement.order_by(_clients.c.id).with_for_update())).all()


async def identity_of(
    session: AsyncSession, row: Any, subject: str, client_id: str
) -> Identity | None:
    """Return the identity for a client's or person's row, or None while its organisation is suspended. Lock the
    organisation's row. A concurrent change therefore either comes first or revokes the resulting token."""
    table = organisations.c
    held = await session.execute(
        sa.select(table.active, sa.extract("epoch", sa.func.clock_timestamp()))
        .where(table.id == row["organisation_id"])
        .with_for_update(read=True)
    )
    active, read_at = held.one()
    if not active:
        return None
    return Identity(
        subject=subject,
        client_id=client_id,
        organisation_id=row["organisation_id"],
        roles=tuple(row["roles"]),
        scopes=tuple(row["scopes"]),
        aors=effective_aors(row["aors"], await membership_aors(session, row["organisation_id"])),
        areas=tuple(row["areas"]),
        read_at=float(read_at),
    )


async def names_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[str, str]:
    statement = sa.select(organisations.c.id, organisations.c.name)
    found = await session.execute(statement.where(organisations.c.id.in_(ids)))
    return {str(identifier): name for identifier, name in found}
