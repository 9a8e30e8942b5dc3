"""Which endorsements would close a gap."""

from typing import Any

from common import clock
from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.endorsing_queries import unendorsed
from directory.pathways.matching.eligibility import standing
from directory.pathways.planning.answers import reason_out
from directory.pathways.versions.effective import in_force


async def suggestions(
    session: AsyncSession, audience: Audience, aor: str, area: str
) -> dict[str, Any]:
    """Unendorsed services for needs of the pathway that have no referable service in the area.

    `also_needed` names what else stands in the way (a stale entry, a suspended service).
    """
    pathway = (await in_force(session, area))[aor].pathway
    needs = sorted({step.need for step in pathway.steps})
    today = clock.today()
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
            for row in await unendorsed(session, audience, needs, area)
        ],
    }
