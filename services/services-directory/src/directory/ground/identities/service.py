"""Stores external ids and their entries."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.identities.models import external_ids


class ExternalId(NamedTuple):
    """A publisher's id and the entry that it identifies."""

    kind: str
    source: str
    external_id: str
    entity_id: UUID


async def remember(session: AsyncSession, ids: Sequence[ExternalId]) -> None:
    """Store ids. An id that already has an entry keeps that entry."""
    if ids:
        rows = [each._asdict() for each in ids]
        await session.execute(insert(external_ids).on_conflict_do_nothing(), rows)


async def move(session: AsyncSession, kind: str, entity_id: UUID, into: UUID) -> None:
    """Move all external ids of one entry to another entry."""
    await session.execute(
        sa.update(external_ids)
        .where(external_ids.c.kind == kind, external_ids.c.entity_id == entity_id)
        .values(entity_id=into)
    )
