"""Keeps what external ids stand for."""

from uuid import UUID

import sqlalchemy as sa
from common.db.writes import RowWriter, write_soon
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.identities.models import external_ids

_ROWS = RowWriter(
    external_ids, "kind", "source", "external_id", "entity_id", on_conflict="DO NOTHING"
)


def remember(
    session: AsyncSession, kind: str, source: str, external_id: str, entity_id: UUID
) -> None:
    row = {"kind": kind, "source": source, "external_id": external_id, "entity_id": entity_id}
    write_soon(session, _ROWS, row)


async def move(session: AsyncSession, kind: str, entity_id: UUID, into: UUID) -> None:
    """Whatever ids stood for one entry stand for the other from now on."""
    await session.execute(
        sa.update(external_ids)
        .where(external_ids.c.kind == kind, external_ids.c.entity_id == entity_id)
        .values(entity_id=into)
    )
