"""Every SELECT over changes."""

from collections.abc import Sequence

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
