"""Every SELECT about coverage and population."""

from collections.abc import Sequence

import sqlalchemy as sa
from common.auth import Principal
from common.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import Audience, audience_of
from services_directory.gaps.matrix import Cell
from services_directory.gaps.models import area_population, coverage_cells
from services_directory.gaps.shares import GROUPS
from services_directory.hsds.visibility import PATHWAY


async def cells(
    session: AsyncSession, principal: Principal, areas: Sequence[str], needs: Sequence[str]
) -> list[Cell]:
    """Cells that this caller may count: those of the areas, and those of everything around them
    whose services serve it whole."""
    places = Places.load()
    around = {other for area in areas for other in places.ancestors(area)}
    c = coverage_cells.c
    rows = await session.execute(
        sa.select(
            c.area, c.need, c.whole, c.state, c.visibility, c.aors,
            *(c[group] for group in GROUPS),
        ).where(
            c.need.in_(list(needs)),
            c.services > 0,
            sa.or_(
                c.area.in_(sorted(areas)),
                sa.and_(c.area.in_(sorted(around)), c.whole.is_(True)),
            ),
        )
    )  # fmt: skip
    audience = audience_of(principal)
    return [
        Cell(area, need, state, whole, tuple(counts))
        for area, need, whole, state, visibility, aors, *counts in rows
        if counts_for(audience, visibility, aors.split(","), area)
    ]


def counts_for(audience: Audience, visibility: int, aors: Sequence[str], area: str) -> bool:
    """The same rule as `access.visible`, less the caller's own confidential services: a cell does
    not say whose services it counts.
    """
    if visibility <= audience.base:
        return True
    within = not audience.states or Places.load().at_most(area, 1) in audience.states
    led = bool(set(audience.coordinates) & set(aors))
    joined = led or bool(set(audience.aors) & set(aors))
    return within and (joined if visibility <= PATHWAY else led)


async def population(session: AsyncSession, areas: Sequence[str]) -> dict[tuple[str, str], int]:
    """People by area and group."""
    rows = await session.execute(
        sa.select(area_population.c.area, area_population.c.grp, area_population.c.people).where(
            area_population.c.area.in_(list(areas))
        )
    )
    return {(area, group): people for area, group, people in rows}
