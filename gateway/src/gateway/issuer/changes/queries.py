"""Every SELECT over changes."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.models import changes


async def page(session: AsyncSession, before: str | None, limit: int) -> Sequence[sa.RowMapping]:
    """The newest first; one more than `limit` tells that more follow."""
    key = sa.cast(changes.c.id, sa.Text)
    statement = sa.select(changes).order_by(key.desc()).limit(limit + 1)
    if before is not None:
        statement = statement.where(key < before)
    return (await session.execute(statement)).mappings().all()


async def untold(session: AsyncSession, limit: int) -> Sequence[sa.RowMapping]:
    """What the list does not say yet, the oldest first."""
    statement = sa.select(changes).where(changes.c.told_at.is_(None)).order_by(changes.c.id)
    return (await session.execute(statement.limit(limit))).mappings().all()


async def count_untold(session: AsyncSession) -> int:
    statement = sa.select(sa.func.count()).where(changes.c.told_at.is_(None))
    return await session.scalar(statement) or 0


async def unknown(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Those of which there is no record."""
    listed = sa.select(changes.c.id).where(
        changes.c.id == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid)))
    )
    return {*ids} - set(await session.scalars(listed))
