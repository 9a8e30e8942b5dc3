"""SELECTs of the log of restricted reads."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.reading.models import restricted_reads


async def reads(
    session: AsyncSession,
    *,
    service_id: UUID | None = None,
    doer: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None,
    limit: int,
) -> list[Any]:
    """Return the reads of one entry or of all entries, newest first."""
    r = restricted_reads.c
    statement = sa.select(restricted_reads).order_by(r.id.desc()).limit(limit)
    conditions = (
        None if service_id is None else r.service_id == service_id,
        None if doer is None else r.client_id == doer,
        None if since is None else r.at >= since,
        None if until is None else r.at < until,
        None if before is None else r.id < before,
    )
    return list(
        (await session.execute(statement.where(*(c for c in conditions if c is not None)))).all()
    )
