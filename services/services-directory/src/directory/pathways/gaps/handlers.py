"""Updates coverage and the gap counter after changes elsewhere."""

from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa
from common import clock
from common.words.places import Places
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.happenings import DocumentsStored, GapsMet
from directory.pathways.definition.proposals import confidential_needs
from directory.pathways.gaps.models import gap_observations
from directory.pathways.gaps.projection import refresh


async def documents_stored(session: AsyncSession, happening: DocumentsStored) -> None:
    await refresh(session, happening.service_ids)


async def gaps_met(session: AsyncSession, happening: GapsMet) -> None:
    await observe(session, happening.gaps)


async def observe(session: AsyncSession, gaps: Iterable[tuple[str, str, str]]) -> None:
    """Count gaps, each with P-code, need and group, for the current day (UTC). The commit is asynchronous, because the
    request must not wait. A crash may lose the last half second."""
    today = clock.utc_day(clock.now()).isoformat()
    counted = Counter((_coarse(area, need), need, group) for area, need, group in gaps)
    await session.execute(sa.text("SET LOCAL synchronous_commit TO off"))
    statement = insert(gap_observations).values(
        [
            {"area": area, "need": need, "grp": group, "week": today, "count": count}
            for (area, need, group), count in sorted(counted.items())
        ]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["area", "need", "grp", "week"],
            set_={"count": gap_observations.c.count + statement.excluded.count},
        )
    )


def _coarse(area: str, need: str) -> str:
    """Return the municipality, or the state if services for the need are confidential."""
    return Places.load().at_most(area, 1 if need in confidential_needs() else 2)
