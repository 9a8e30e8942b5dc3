"""Updates the stored documents of organisations to match their records."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from common import clock
from common.db.ended_rights import organisation_suspended
from common.sight import PUBLIC, RESTRICTED
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.hsds.masking import placeless
from directory.ground.hsds.safe_houses import house_words
from directory.ground.hsds.views import (
    digest,
    listed_organization,
    named_alone,
    render_organization,
)
from directory.record.houses.models import ORGANIZATION
from directory.record.houses.queries import held_organizations, looks_at
from directory.record.houses.service import Asked, keep
from directory.record.organizations.models import organization_documents, organizations
from directory.tables import ENDED_RIGHTS

LEVELS = range(4)


async def store_organization(session: AsyncSession, organization_id: UUID) -> None:
    """Write the levels whose content changed. A level that may not see the organisation has no document."""
    suspended = sa.or_(
        organisation_suspended(ENDED_RIGHTS, organizations.c.id),
        organizations.c.ended_at.is_not(None),
    ).label("suspended")
    found = sa.select(organizations, suspended).where(organizations.c.id == organization_id)
    row = (await session.execute(found)).one()
    if row.suspended != row.withheld:
        await session.execute(
            sa.update(organizations)
            .where(organizations.c.id == organization_id)
            .values(withheld=row.suspended)
        )
    d = organization_documents.c
    stored = {
        each.level: each
        for each in await session.execute(
            sa.select(d.level, d.etag).where(d.organization_id == organization_id)
        )
    }
    document = await _held(session, row)
    for level in LEVELS:
        shown = render_organization(document, level)
        if row.suspended and level < RESTRICTED:
            shown = named_alone(shown) if shown is not None and level > PUBLIC else None
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


async def _held(session: AsyncSession, row: Any) -> dict[str, Any]:
    """Return the organisation's document. Leave out its places while it or one of its services may be a safe house."""
    looks = await looks_at(session, ORGANIZATION, [row.id])
    words = house_words({}, row.document)
    await keep(session, ORGANIZATION, [Asked(row.id, row.id, words)], looks)
    held = await held_organizations(session, [row.id])
    document: dict[str, Any] = row.document
    return placeless(document) if held else document


async def take_to_withhold(
    session: AsyncSession, suspended: Collection[UUID], limit: int
) -> list[UUID]:
    """Lock organisations whose `withheld` does not match their suspension."""
    o = organizations.c
    named = o.id == sa.any_(sa.literal(list(suspended), sa.ARRAY(sa.Uuid)))
    found: list[UUID] = []
    shown_again = sa.and_(o.withheld, sa.not_(named), o.ended_at.is_(None))
    for which in (sa.and_(named, sa.not_(o.withheld)), shown_again):
        statement = sa.select(o.id).where(which).limit(limit).with_for_update(skip_locked=True)
        found += await session.scalars(statement)
    return found


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
