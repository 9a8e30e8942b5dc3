"""Queries for clients."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients.models import clients
from gateway.issuer.organisations.queries import activity, naming
from gateway.issuer.rights import RIGHTS
from gateway.issuer.tables import Wanted

Row = sa.RowMapping


async def client(session: AsyncSession, client_id: str) -> Row | None:
    """Return the client with `organisation_active` and `organisation_name`, or None if unknown."""
    of = clients.c.organisation_id
    statement = sa.select(clients, activity(of), naming(of)).where(clients.c.id == client_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def hold(session: AsyncSession, client_id: str, *, share: bool = False) -> None:
    """Lock the client's row. Starting a sign-in needs a shared lock; ending all sign-ins needs an exclusive lock."""
    await session.execute(
        sa.select(clients.c.id).where(clients.c.id == client_id).with_for_update(read=share)
    )


async def names(session: AsyncSession) -> frozenset[str]:
    return frozenset(await session.scalars(sa.select(clients.c.id)))


async def suspended(session: AsyncSession) -> list[str]:
    return list(await session.scalars(sa.select(clients.c.id).where(sa.not_(clients.c.active))))


async def active_after(session: AsyncSession, after: str, limit: int) -> Sequence[Row]:
    """Return the rights of active clients of active organisations, in byte order of their ids, after `after`."""
    rights = [clients.c[name] for name in ("organisation_id", *RIGHTS)]
    statement = sa.select(clients.c.id.label("subject"), *rights).where(
        clients.c.active,
        activity(clients.c.organisation_id).element,
        sa.collate(clients.c.id, "C") > after,
    )
    rows = await session.execute(statement.order_by(sa.collate(clients.c.id, "C")).limit(limit))
    return rows.mappings().all()


async def page(
    session: AsyncSession, wanted: Wanted, after: str | None, limit: int
) -> Sequence[Row]:
    """Return clients by id, after `after`. If there are further clients, return one more than `limit`."""
    statement = sa.select(clients).where(*wanted.conditions(clients, "id", "name"))
    statement = statement.order_by(clients.c.id).limit(limit + 1)
    if after is not None:
        statement = statement.where(clients.c.id > after)
    return (await session.execute(statement)).mappings().all()
