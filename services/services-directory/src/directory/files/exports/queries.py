"""Queries for the documents in an export: each service at the level that the caller sees."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.sight import RESTRICTED, audience_of
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.exports.abridged import Exported, is_coarse
from directory.ground.access import visible
from directory.record.documents.models import service_documents, site_documents
from directory.record.houses.queries import is_held

_AT_A_TIME = 500
Box = tuple[float, float, float, float]
"""West, south, east, north."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Export filters; None selects everything that the caller sees."""

    categories: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    organization_id: UUID | None = None
    modified_after: datetime | None = None
    within: Box | None = None
    service_id: UUID | None = None
    after: UUID | None = None
    limit: int | None = None


async def exported(
    session: AsyncSession, caller: Principal, chosen: Chosen
) -> AsyncIterator[Exported]:
    """Yield documents from a server-side cursor, in id order."""
    shown = service_documents.alias("shown")
    whole = service_documents.alias("whole")
    query = (
        sa.select(
            shown.c.service_id,
            shown.c.document,
            sa.or_(shown.c.etag != whole.c.etag, is_held(shown.c.service_id)).label("abridged"),
            shown.c.sensitive,
        )
        .join(whole, sa.and_(whole.c.service_id == shown.c.service_id, whole.c.level == RESTRICTED))
        .where(visible(shown.c, audience_of(caller)))
        .order_by(shown.c.service_id)
    )
    for condition in _conditions(shown.c, chosen):
        query = query.where(condition)
    if chosen.limit is not None:
        query = query.limit(chosen.limit)
    options = {"yield_per": _AT_A_TIME}
    async for row in await session.stream(query, execution_options=options):
        abridged = row.abridged or is_coarse(row.document)
        yield Exported(row.service_id, row.document, abridged, row.sensitive)


def _conditions(columns: Any, chosen: Chosen) -> list[Any]:
    texts = sa.ARRAY(sa.Text)
    found = []
    if chosen.categories:
        wanted = sa.literal(list(chosen.categories), texts)
        found.append(columns.categories.bool_op("&&")(wanted))
    if chosen.areas:
        wanted = sa.literal(list(chosen.areas), texts)
        found.append(columns.within_areas.bool_op("&&")(wanted))
    if chosen.organization_id is not None:
        found.append(columns.document["organization"]["id"].astext == str(chosen.organization_id))
    if chosen.modified_after is not None:
        found.append(columns.modified_at > chosen.modified_after)
    if chosen.within is not None:
        found.append(_has_site_in(columns, chosen.within))
    if chosen.service_id is not None:
        found.append(columns.service_id == chosen.service_id)
    if chosen.after is not None:
        found.append(columns.service_id > chosen.after)
    return found


def _has_site_in(columns: Any, box: Box) -> Any:
    """Return the condition for a site in the box. Only sites at the level that the caller sees count."""
    west, south, east, north = box
    around = sa.func.box(sa.func.point(west, south), sa.func.point(east, north))
    site = site_documents.c
    return sa.exists().where(
        site.service_id == columns.service_id,
        site.level == columns.level,
        site.point.bool_op("<@")(around),
    )
