"""Writes field-level history: who changed which field, when, and from which value to which."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.differences import Difference, differences
from directory.ground.entries.models import history


async def record_history(
    session: AsyncSession,
    caller: Principal | None,
    kind: str,
    entity_id: UUID,
    *,
    version: int,
    old: dict[str, Any],
    new: dict[str, Any],
    source: str | None = None,
) -> None:
    """Write one row per field that differs. For a new entry, write one row with the whole document. `source` is the
    publication of an imported change; None for changes by people here."""
    rows = [
        {
            "id": new_id(),
            "kind": kind,
            "entity_id": entity_id,
            "version": version,
            "client_id": caller.subject if caller else "ruta-directory",
            "organisation_id": caller.organisation_id if caller else None,
            "at": clock.now(),
            "source": source,
            "pointer": each.pointer,
            "old": each.old,
            "new": each.new,
        }
        for each in (differences(old, new) if old else [Difference("", None, new)])
    ]
    if rows:
        await session.execute(sa.insert(history), rows)
