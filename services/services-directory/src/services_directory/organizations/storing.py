"""Brings the stored documents of organisations up to date with their records."""

from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from common import clock
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.hsds.rendering import digest, listed_organization, render_organization
from services_directory.organizations.models import organization_documents, organizations

LEVELS = range(4)


async def store_organization(session: AsyncSession, organization_id: UUID) -> None:
    """Write the levels whose content changed; a level that may not see it has no document."""
    row = (
        await session.execute(sa.select(organizations).where(organizations.c.id == organization_id))
    ).one()
    d = organization_documents.c
    stored = {
        each.level: each
        for each in await session.execute(
            sa.select(d.level, d.etag).where(d.organization_id == organization_id)
        )
    }
    for level in LEVELS:
        shown = render_organization(row.document, level)
        etag = None if shown is None else digest(shown)
        before = stored.get(level)
        if before is not None and before.etag == etag:
            continue
        if before is not None:
            await session.execute(
                sa.delete(organization_documents).where(
                    d.organization_id == organization_id, d.level == level
                )
            )
        if shown is not None:
            await session.execute(insert(organization_documents).values(_values(row, level, shown)))


def _values(row: Any, level: int, shown: dict[str, Any]) -> dict[str, Any]:
    text = "\n".join(
        str(shown[key]) for key in ("name", "alternate_name", "description") if key in shown
    )
    stems = [
        sa.func.to_tsvector(sa.text(f"'{language}'::regconfig"), text)
        for language in ("ruta_es", "ruta_en")
    ]
    return {
        "level": level,
        "organization_id": row.id,
        "managed_by": row.managed_by,
        "visibility": row.visibility,
        "etag": digest(shown),
        "modified_at": clock.now(),
        "full_body": orjson.dumps(shown),
        "list_body": orjson.dumps(listed_organization(shown)),
        "name": shown["name"],
        "vector": stems[0].op("||")(stems[1]),
        "xid": sa.func.pg_current_xact_id(),
    }
