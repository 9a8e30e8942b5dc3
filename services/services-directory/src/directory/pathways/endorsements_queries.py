"""SELECTs of the services that would become referable if endorsed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.access import visible
from directory.pathways.definition.layers import lineage
from directory.record.documents.models import service_documents

SUGGESTED = 100


async def unendorsed(
    session: AsyncSession, audience: Audience, needs: Sequence[str], area: str
) -> Sequence[Any]:
    """Return unendorsed services, by name, for needs that no referable service in the area meets."""
    d = service_documents.alias("d")
    wanted = sa.func.unnest(sa.literal(list(needs), sa.ARRAY(sa.Text))).table_valued("need")
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
    return (await session.execute(statement)).mappings().all()


def _serving(d: Any, area: str) -> sa.ColumnElement[bool]:
    return sa.or_(d.c.within_areas.contains([area]), d.c.areas.overlap(list(lineage(area))))


async def _covered(
    session: AsyncSession, audience: Audience, needs: Sequence[str], area: str
) -> list[str]:
    """Return needs for which a referable service already serves the area."""
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
