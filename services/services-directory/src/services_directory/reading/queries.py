"""SELECTs of the log of restricted reads."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.reading.models import restricted_reads


async def reads_of(
    session: AsyncSession, service_id: UUID, before: int | None, limit: int
) -> list[Any]:
    """Newest first."""
    r = restricted_reads.c
    statement = (
        sa.select(restricted_reads)
        .where(r.service_id == service_id)
        .order_by(r.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(r.id < before)
    return list((await session.execute(statement)).all())
