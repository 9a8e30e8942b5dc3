"""Every SELECT over clients."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients.models import clients
from gateway.issuer.organisations.models import memberships, organisations
from gateway.issuer.tokens.claims import Identity, effective_aors

Row = sa.RowMapping


async def client(session: AsyncSession, client_id: str) -> Row | None:
    """One client with `organisation_active`; None if there is none."""
    statement = (
        sa.select(clients, organisations.c.active.label("organisation_active"))
        .outerjoin(organisations, organisations.c.id == clients.c.organisation_id)
        .where(clients.c.id == client_id)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def hold(session: AsyncSession, client_id: str, *, share: bool = False) -> None:
    """Lock the client's row: its sign-ins begin under a shared lock and end under a whole one."""
    await session.execute(
        sa.select(clients.c.id).where(clients.c.id == client_id).with_for_update(read=share)
    )


async def page(session: AsyncSession, after: str | None, limit: int) -> Sequence[Row]:
    """Clients by id, beginning after `after`; one more than `limit` tells that more follow."""
    statement = sa.select(clients).order_by(clients.c.id).limit(limit + 1)
    if after is not None:
        statement = statement.where(clients.c.id > after)
    return (await session.execute(statement)).mappings().all()


async def membership_aors(session: AsyncSession, organisation_id: UUID) -> tuple[str, ...]:
    rows = await session.scalars(
        sa.select(memberships.c.aor)
        .where(memberships.c.organisation_id == organisation_id)
        .order_by(memberships.c.aor)
    )
    return tuple(rows)


async def identity_of(session: AsyncSession, row: Any, subject: str, client_id: str) -> Identity:
    """The identity of a client's or a person's row."""
    return Identity(
        subject=subject,
        client_id=client_id,
        organisation_id=row["organisation_id"],
        roles=tuple(row["roles"]),
        scopes=tuple(row["scopes"]),
        aors=effective_aors(row["aors"], await membership_aors(session, row["organisation_id"])),
        areas=tuple(row["areas"]),
    )
