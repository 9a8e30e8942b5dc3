"""SELECTs of field-level history."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.entries.models import history


async def history_of(
    session: AsyncSession, entity_id: UUID, after: tuple[int, UUID] | None, limit: int
) -> list[Any]:
    """Newest first."""
    h = history.c
    statement = (
        sa.select(history)
        .where(h.entity_id == entity_id)
        .order_by(h.version.desc(), h.id.desc())
        .limit(limit)
    )
    if after is not None:
        at = sa.tuple_(sa.literal(after[0], sa.BigInteger), sa.literal(after[1], sa.Uuid))
        statement = statement.where(sa.tuple_(h.version, h.id) < at)
    return list((await session.execute(statement)).all())
