"""SELECTs of coverage, of population, and of the facts from which coverage is counted."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.sight import PATHWAY, Audience, audience_of
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.hsds.referability import REFERABLE_STATUSES
from directory.ground.reading.opening_queries import in_season
from directory.ground.reading.rows_queries import Row, fetch
from directory.ground.reading.statement import Statement
from directory.pathways.gaps.matrix import Cell
from directory.pathways.gaps.models import area_population
from directory.pathways.gaps.shares import GROUPS, OUT_OF_SEASON


async def cells(
    session: AsyncSession, caller: Principal, areas: Sequence[str], needs: Sequence[str]
) -> list[Cell]:
    """Return the cells that this caller may count, one per area, need and state. Include services of wider areas that
    serve the whole of their area."""
    places = Places.load()
    around = {other for area in areas for other in places.ancestors(area)}
    s = Statement()
    text = (
        f"SELECT area, need, state, whole, {', '.join(f'sum({group})::int AS {group}' for group in GROUPS)}"
        f" FROM coverage_cells WHERE need = ANY({s.argument(list(needs), 'text[]')})"
        f" AND services > 0 AND (area = ANY({s.argument(sorted(areas), 'text[]')})"
        f" OR whole AND area = ANY({s.argument(sorted(around), 'text[]')}))"
        f" AND ({_counts_for(audience_of(caller), {*areas, *around}, s)})"
        " GROUP BY area, need, state, whole"
        " ORDER BY area, need, state, whole"
    )
    rows = await fetch(session, text, s)
    return [
        Cell(
            row["area"], row["need"], row["state"], row["whole"],
            tuple([row[group] for group in GROUPS]),
        )
        for row in rows
    ]  # fmt: skip


def _counts_for(audience: Audience, asked: Iterable[str], s: Statement) -> str:
    """Return the rule of `access.visible` without the exception for the caller's own confidential services. A cell does
    not know whose services it counts."""
    open_to = f"visibility <= {audience.base}"
    led = f"string_to_array(aors, ',') && {s.argument(list(audience.coordinates), 'text[]')}"
    joined = f"string_to_array(aors, ',') && {s.argument(list(audience.aors), 'text[]')}"
    confidential = f"({led} OR visibility <= {PATHWAY} AND {joined})"
    if audience.states:
        places = Places.load()
        within = sorted(each for each in asked if places.at_most(each, 1) in audience.states)
        confidential += f" AND area = ANY({s.argument(within, 'text[]')})"
    return f"{open_to} OR {confidential}"


async def population(session: AsyncSession, areas: Sequence[str]) -> dict[tuple[str, str], int]:
    """Return the number of people by area and group."""
    rows = await session.execute(
        sa.select(area_population.c.area, area_population.c.grp, area_population.c.people).where(
            area_population.c.area.in_(list(areas))
        )
    )
    return {(area, group): people for area, group, people in rows}


async def covering(session: AsyncSession, service_ids: Sequence[UUID], today: date) -> list[Row]:
    """Return the coverage facts of these services, by column name, from their stored documents. Use the document at the
    lowest level that shows the service, so that coverage is never more exact."""
    s = Statement()
    text = (
        "SELECT service_id, visibility, aors, areas, categories, minimum_age, maximum_age, sexes,"
        " functional_status, capacity_state, valid_until, endorsed_by, pre_crisis,"
        " referral::text AS referral,"
        f" {in_season(today, s)} AS in_season FROM service_documents d"
        f" WHERE level = visibility AND service_id = ANY({s.argument(list(service_ids), 'uuid[]')})"
    )
    return await fetch(session, text, s)


async def turned(session: AsyncSession, today: date, limit: int) -> list[UUID]:
    """Return services that coverage counts as in season but that are out of season today, or vice versa."""
    s = Statement()
    referable = s.argument(sorted(REFERABLE_STATUSES), "text[]")
    counted_out = (
        "EXISTS (SELECT FROM coverage_shares c WHERE c.service_id = d.service_id"
        f" AND c.state = {s.argument(OUT_OF_SEASON, 'text')})"
    )
    text = (
        "SELECT d.service_id FROM service_documents d"
        " WHERE d.level = d.visibility AND d.season_days IS NOT NULL"
        " AND EXISTS (SELECT FROM coverage_shares c WHERE c.service_id = d.service_id)"
        f" AND d.functional_status = ANY({referable}) AND {in_season(today, s)} = {counted_out}"
        f" ORDER BY d.service_id LIMIT {s.argument(limit, 'bigint')}"
    )
    return [row["service_id"] for row in await fetch(session, text, s)]
