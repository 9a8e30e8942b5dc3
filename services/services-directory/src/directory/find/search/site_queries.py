"""SELECTs of sites, each with the document of its service. Each one uses `visible_sql`."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from common.sight import Audience
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.find.search import ranking
from directory.find.search.condition_queries import Point, around, at_postcode, distance, in_box
from directory.find.search.matching_queries import hold_place_small, matching
from directory.find.search.page_queries import Matching, Order, page_of
from directory.find.search.parameters import Filters, SiteQuery
from directory.ground.access import visible_by_level, visible_sql
from directory.ground.reading.rows_queries import Row, fetch, plan_for_values
from directory.ground.reading.statement import Statement

_JOINED = ("s.level = d.level", "s.service_id = d.service_id")


async def centre_of(session: AsyncSession, query: Filters, audience: Audience) -> Point | None:
    """Return the midpoint of the sites at the postcode that the caller can see."""
    if not isinstance(query, SiteQuery) or not query.postcode or query.proximity is None:
        return None
    s = Statement()
    code = s.argument(folded(query.postcode), "text")
    shown = visible_sql(audience, s.argument, "x")
    rows = await fetch(
        session,
        "SELECT avg(x.point[1]) AS latitude, avg(x.point[0]) AS longitude FROM site_documents x"
        f" WHERE x.postcodes @> ARRAY[{code}] AND {shown}",
        s,
    )
    found = rows[0]
    return None if found["latitude"] is None else (found["latitude"], found["longitude"])


def site_matching(
    query: SiteQuery, audience: Audience, today: date, centre: Point | None
) -> Matching:
    """Return the search for sites of matching services; place conditions apply to the site itself."""
    found = matching(query, audience, today)
    s = found.statement
    parts = [*_JOINED]
    if query.near and query.radius:
        parts.append(around(query.near, query.radius, s))
    if query.bbox:
        parts.append(in_box(query.bbox, s))
    if query.postcode:
        parts.append(at_postcode(query, centre, s))
        found.left = None  # `hold_place_small` already limits sites at or around a postcode
    found.also(parts)
    found.beside, found.table = ", site_documents s", "site_documents"
    found.everything = found.everything and len(parts) == len(_JOINED)
    found.heavy = found.heavy or bool(query.postcode)
    return found


async def site_page(
    session: AsyncSession, query: SiteQuery, audience: Audience, today: date
) -> tuple[list[Row], int]:
    await plan_for_values(session)
    centre = await centre_of(session, query, audience)
    await hold_place_small(session, query, audience, centre)
    found = site_matching(query, audience, today, centre)
    if found.everything and not found.heavy:
        found.alone, found.statement = True, Statement()
        found.wheres = visible_by_level(audience, found.statement.argument, "s")
    s = found.statement.fork()
    order = Order("s.site_id", "", "site_id", "s", walked=True)
    if found.rank:
        order = Order(ranking.score(found.rank, None), "DESC", "site_id", "s")
    elif query.near:
        order = Order(distance(query.near, s), "NULLS LAST", "site_id", "s")
    elif query.modified_after:
        order = Order("s.modified_at", "", "site_id", "s", walked=True)
    return await page_of(
        session, found, s, audience, columns=[site_columns(full=query.full)], order=order,
        number=query.page, per_page=query.per_page,
    )  # fmt: skip


def site_columns(*, full: bool) -> str:
    """Return the columns with the bodies of one form, because each form is stored separately."""
    bodies = (
        "s.full_body AS site_full, d.full_body, d.core_length"
        if full
        else "s.list_body AS site_list, d.list_body"
    )
    return (
        f"s.site_id, s.service_id, d.level, d.sensitive, s.etag, {bodies},"
        " s.point[0] AS longitude, s.point[1] AS latitude"
    )


async def one_site(session: AsyncSession, site_id: UUID, audience: Audience) -> Row | None:
    s = Statement()
    own = s.argument(site_id, "uuid")
    where = visible_sql(audience, s.argument)
    rows = await fetch(
        session,
        f"SELECT {site_columns(full=True)} FROM site_documents s JOIN service_documents d"
        f" ON d.level = s.level AND d.service_id = s.service_id WHERE s.site_id = {own} AND {where}",
        s,
    )
    return rows[0] if rows else None


async def sites_of(session: AsyncSession, rows: Sequence[Row]) -> list[Row]:
    """Return the sites with a point for these service rows, at the level of each row."""
    s = Statement()
    ids = s.argument([row["service_id"] for row in rows], "uuid[]")
    levels = s.argument([row["level"] for row in rows], "smallint[]")
    return await fetch(
        session,
        f"SELECT s.site_id, s.service_id, s.point[0] AS longitude, s.point[1] AS latitude"
        f" FROM unnest({ids}, {levels}) WITH ORDINALITY AS w(id, level, place)"
        " JOIN site_documents s ON s.service_id = w.id AND s.level = w.level"
        " WHERE s.point IS NOT NULL ORDER BY w.place, s.site_id",
        s,
    )
