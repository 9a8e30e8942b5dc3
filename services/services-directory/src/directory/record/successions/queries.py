"""SELECTs of successions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.record.successions.models import successions


async def page(session: AsyncSession, before: UUID | None, limit: int) -> Sequence[Any]:
    """Return the newest successions first. If there are more, return one row more than `limit`."""
    found = sa.select(successions).order_by(successions.c.id.desc()).limit(limit + 1)
    if before is not None:
        found = found.where(successions.c.id < before)
    return (await session.execute(found)).all()


async def one(session: AsyncSession, succession_id: UUID) -> Any:
    """Return the locked row, or None if it does not exist."""
    found = sa.select(successions).where(successions.c.id == succession_id).with_for_update()
    return (await session.execute(found)).one_or_none()
