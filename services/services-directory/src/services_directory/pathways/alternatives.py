"""The services of a step for nobody in particular: what every organisation may see, best first."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from common import clock
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.pathways.layers import lineage

_TEXTS = ARRAY(sa.Text)
# Level 1 holds what every verified organisation sees; rows of confidential services are not in it.
_STATEMENT = sa.text("""
    SELECT n.need, s.service_id
    FROM unnest(:needs) AS n(need) CROSS JOIN LATERAL (
        SELECT d.service_id, row_number() OVER (ORDER BY
                 (:aor = ANY(d.endorsed_by)) DESC,
                 array_position(ARRAY['accepting', 'waitlist'], d.capacity_state) NULLS LAST,
                 (d.functional_status = 'fully_functional') DESC,
                 (d.within_areas @> ARRAY[CAST(:area AS text)]) DESC,
                 d.service_id) AS place
        FROM service_documents d
        WHERE d.level = 1 AND d.referable AND d.valid_until >= :today
          AND d.capacity_state IS DISTINCT FROM 'full'
          AND d.categories @> ARRAY[n.need]
          AND (d.within_areas @> ARRAY[CAST(:area AS text)] OR d.areas && :wider)
        ORDER BY place LIMIT :limit
    ) s ORDER BY n.need, s.place
""").bindparams(
    sa.bindparam("needs", type_=_TEXTS),
    sa.bindparam("wider", type_=_TEXTS),
    sa.bindparam("aor", type_=sa.Text),
    sa.bindparam("area", type_=sa.Text),
    sa.bindparam("today", type_=sa.Date),
    sa.bindparam("limit", type_=sa.Integer),
)


async def alternatives(
    session: AsyncSession,
    aor: str,
    area: str,
    needs: Sequence[str],
    *,
    limit: int,
    today: date | None = None,
) -> dict[str, list[UUID]]:
    """Referable services that serve the area, by need; those that the AoR endorses come first."""
    rows = await session.execute(
        _STATEMENT,
        {
            "needs": list(needs),
            "aor": aor,
            "area": area,
            "wider": list(lineage(area)),
            "today": today or clock.now().date(),
            "limit": limit,
        },
    )
    found: dict[str, list[UUID]] = {}
    for need, service_id in rows:
        found.setdefault(need, []).append(service_id)
    return found
