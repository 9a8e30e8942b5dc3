"""Writes field-level history: who changed what, when, from what to what."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.differences import differences
from directory.ground.entries.models import history

Row = dict[str, Any]


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
    """One row per field that differs; a new entry is one row with the whole of it. `source`: the
    publication that an import brought the change from; what people change here has none."""
    if not old:
        rows = [beginning(caller, kind, entity_id, new=new, version=version, source=source)]
    else:
        rows = [
            _row(caller, kind, entity_id, version, source)
            | {"pointer": each.pointer, "old": each.old, "new": each.new}
            for each in differences(old, new)
        ]
    await write_history(session, rows)


def beginning(
    caller: Principal | None,
    kind: str,
    entity_id: UUID,
    *,
    new: dict[str, Any],
    version: int = 1,
    source: str | None = None,
) -> Row:
    """The row of a new entry, for `write_history`."""
    row = _row(caller, kind, entity_id, version, source)
    return row | {"pointer": "", "old": None, "new": new}


async def write_history(session: AsyncSession, rows: Sequence[Row]) -> None:
    if rows:
        await session.execute(sa.insert(history), rows)


def _row(
    caller: Principal | None, kind: str, entity_id: UUID, version: int, source: str | None
) -> Row:
    return {
        "id": new_id(),
        "kind": kind,
        "entity_id": entity_id,
        "version": version,
        "client_id": caller.subject if caller else "ruta-directory",
        "organisation_id": caller.organisation_id if caller else None,
        "at": clock.now(),
        "source": source,
    }
