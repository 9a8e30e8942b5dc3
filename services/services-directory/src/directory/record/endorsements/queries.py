"""SELECTs of endorsements."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.record.endorsements.models import endorsements


async def endorsed_aors(
    session: AsyncSession, service_ids: Sequence[UUID]
) -> dict[UUID, list[str]]:
    """Return the AoRs that endorse each service, sorted. Services without an endorsement are absent."""
    rows = await session.execute(
        sa.select(endorsements.c.service_id, endorsements.c.aor)
        .where(
            endorsements.c.service_id == sa.any_(sa.literal(list(service_ids), sa.ARRAY(sa.Uuid)))
        )
        .order_by(endorsements.c.aor)
    )
    found: dict[UUID, list[str]] = {}
    for service_id, aor in rows:
        found.setdefault(service_id, []).append(aor)
    return found


async def listed(
    session: AsyncSession,
    seen: sa.Select[UUID],
    *,
    aor: str | None,
    service_id: UUID | None,
    after: tuple[UUID, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return the endorsements of the services in `seen`, in (service, AoR) order."""
    statement = (
        sa.select(endorsements.c.service_id, endorsements.c.aor, endorsements.c.endorsed_at)
        .where(endorsements.c.service_id.in_(seen))
        .order_by(endorsements.c.service_id, endorsements.c.aor)
        .limit(limit)
    )
    if aor is not None:
        statement = statement.where(endorsements.c.aor == aor)
    if service_id is not None:
        statement = statement.where(endorsements.c.service_id == service_id)
    if after is not None:
        at = sa.tuple_(sa.literal(after[0], sa.Uuid), sa.literal(after[1]))
        statement = statement.where(sa.tuple_(endorsements.c.service_id, endorsements.c.aor) > at)
    return [dict(row) for row in (await session.execute(statement)).mappings()]
