"""Writes field-level history: who changed what, when, from what to what."""

from typing import Any
from uuid import UUID

import orjson
from common import clock
from common.auth import Principal
from common.db.writes import RowWriter, write_soon
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.differences import differences
from directory.ground.entries.models import history

_ROWS = RowWriter(
    history,
    *("id", "kind", "entity_id", "version", "pointer", "old", "new"),
    *("client_id", "organisation_id", "at", "source"),
)

_BEGINNINGS = RowWriter(history, *_ROWS.columns, alone=True)
AS_RECORDED = "(SELECT new FROM history WHERE id = {})"
"""What a new entry is, from its history: PostgreSQL copies what it has read and compressed there."""


def record_beginning(
    session: AsyncSession,
    caller: Principal,
    kind: str,
    entity_id: UUID,
    *,
    new: dict[str, Any],
    source: str | None,
) -> UUID:
    """The first row of an entry's history, which is the whole of it, before all else that waits; its id."""
    row = _row(caller, kind, entity_id, 1, source) | {"pointer": "", "old": None, "new": _json(new)}
    write_soon(session, _BEGINNINGS, row)
    own: UUID = row["id"]
    return own


def record_history(
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
    changes = differences(old, new) if old else [None]
    for change in changes:
        row = _row(caller, kind, entity_id, version, source) | {
            "pointer": change.pointer if change else "",
            "old": _json(change.old if change else None),
            "new": _json(change.new if change else new),
        }
        write_soon(session, _ROWS, row)


def _row(
    caller: Principal | None, kind: str, entity_id: UUID, version: int, source: str | None
) -> dict[str, Any]:
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


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
