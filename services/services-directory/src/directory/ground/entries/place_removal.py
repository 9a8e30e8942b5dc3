"""Removes a place from history after the entry is restricted. PostgreSQL permits no other change to history."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.models import history

Kept = Callable[[str, Any], Any]
"""Returns the part of the value at a pointer that history may keep."""


async def forget(session: AsyncSession, kind: str, entities: Mapping[UUID, Kept]) -> None:
    """Reduce the history of the entries, by id. It uses one query for all of them, because a file may contain hundreds
    of restricted entries."""
    if not entities:
        return
    h = history.c
    rows = await session.execute(
        sa.select(h.id, h.entity_id, h.pointer, h.old, h.new).where(
            h.kind == kind, h.entity_id == sa.any_(sa.literal([*entities], sa.ARRAY(sa.Uuid)))
        )
    )
    for row in rows.all():
        kept = entities[row.entity_id]
        values = {"old": kept(row.pointer, row.old), "new": kept(row.pointer, row.new)}
        if values != {"old": row.old, "new": row.new}:
            await session.execute(sa.update(history).where(h.id == row.id).values(values))
