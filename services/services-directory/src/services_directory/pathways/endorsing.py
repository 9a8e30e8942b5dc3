"""Endorsements as callers see them, and which endorsements would close a gap."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.errors import NOT_FOUND
from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import visible
from services_directory.pathways.answers import reason_out
from services_directory.pathways.effective import in_force
from services_directory.pathways.eligibility import standing
from services_directory.pathways.layers import lineage
from services_directory.pathways.models import endorsements
from services_directory.services import service as services
from services_directory.services.models import service_documents

SUGGESTED = 100


async def listed(
    session: AsyncSession,
    audience: Audience,
    *,
    aor: str | None,
    service_id: UUID | None,
    after: tuple[UUID, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Endorsements of visible services in (service, AoR) order."""
    d = service_documents.alias("d")
    statement = (
        sa.select(endorsements.c.service_id, endorsements.c.aor, endorsements.c.endorsed_at)
        .join(d, d.c.service_id == endorsements.c.service_id)
        .where(visible(d.c, audience))
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


async def require_visible(session: AsyncSession, audience: Audience, service_id: UUID) -> None:
    """404 unless the caller sees the service."""
    d = service_documents.alias("d")
    found = await session.scalar(
        sa.select(d.c.service_id).where(d.c.service_id == service_id, visible(d.c, audience))
    )
    if found is None:
        raise NOT_FOUND.because("No service has this id.")


async def rewrite(session: AsyncSession, service_id: UUID) -> None:
    """Make the stored documents say the new endorsement, and tell other services of it."""
    await services.rewrite(session, [service_id])


async def suggestions(
    session: AsyncSession, audience: Audience, aor: str, area: str
) -> dict[str, Any]:
    """Unendorsed services for needs of the pathway that have no referable service in the area.

    `also_needed` names what else stands in the way (a stale entry, a suspended service).
    """
    pathway = (await in_force(session, area))[aor].pathway
    needs = sorted({step.need for step in pathway.steps})
    d = service_documents.alias("d")
    wanted = sa.func.unnest(sa.literal(needs, sa.ARRAY(sa.Text))).table_valued("need")
    need = wanted.render_derived("n")
    statement = (
        sa.select(
            need.c.need,
            *(d.c[name] for name in (
                "service_id", "name", "areas", "functional_status", "capacity_state", "valid_until",
            )),
            d.c.document["organization"]["name"].astext.label("organization_name"),
        )
        .select_from(need.join(d, sa.text("d.categories @> ARRAY[n.need]")))
        .where(
            visible(d.c, audience),
            _serving(d, area),
            sa.func.cardinality(d.c.endorsed_by) == 0,
            need.c.need.not_in(await _covered(session, audience, needs, area)),
        )
        .order_by(need.c.need, d.c.valid_until.desc().nulls_last(), d.c.service_id)
        .limit(SUGGESTED)
    )  # fmt: skip
    today = clock.now().date()
    return {
        "aor": aor,
        "items": [
            {
                "service_id": row["service_id"],
                "name": row["name"],
                "organisation": row["organization_name"],
                "need": row["need"],
                "areas": row["areas"],
                "also_needed": [
                    reason_out(reason)
                    for reason in standing(
                        row["functional_status"], row["capacity_state"], row["valid_until"], today
                    )
                ],
            }
            for row in (await session.execute(statement)).mappings()
        ],
    }


def _serving(d: Any, area: str) -> sa.ColumnElement[bool]:
    return sa.or_(d.c.within_areas.contains([area]), d.c.areas.overlap(list(lineage(area))))


async def _covered(
    session: AsyncSession, audience: Audience, needs: Sequence[str], area: str
) -> list[str]:
    """Needs that already have a referable service serving the area."""
    d = service_documents.alias("d")
    statement = (
        sa.select(sa.func.unnest(d.c.categories))
        .where(
            d.c.referable,
            visible(d.c, audience),
            _serving(d, area),
            d.c.categories.overlap(list(needs)),
        )
        .distinct()
    )
    return list(await session.scalars(statement))
