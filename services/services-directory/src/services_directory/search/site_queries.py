"""The SELECTs over sites, each with the document of its service. Every one goes through `visible_sql`."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from common.places import folded
from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import visible_sql
from services_directory.reading.rows_queries import Row, SelectReader, fetch
from services_directory.reading.statement import Statement
from services_directory.search import ranking
from services_directory.search.condition_queries import around, distance, in_box
from services_directory.search.matching_queries import hold_place_small, matching
from services_directory.search.page_queries import Matching, Order, page_of
from services_directory.search.parameters import SiteQuery


def site_matching(query: SiteQuery, audience: Audience, today: date) -> Matching:
    """Sites of matching services; the place conditions then hold for the site itself."""
    found = matching(query, audience, today)
    s = found.statement
    parts = ["s.level = d.level", "s.service_id = d.service_id"]
    if query.near and query.radius:
        parts.append(around(query.near, query.radius, s))
    if query.bbox:
        parts.append(in_box(query.bbox, s))
    if query.postcode:
        parts += _postcode(query, audience, s)
    found.also(parts)
    found.beside = ", site_documents s"
    found.everything = False
    found.heavy = found.heavy or bool(query.postcode)
    return found


def _postcode(query: SiteQuery, audience: Audience, s: Statement) -> list[str]:
    """At the postcode or, with `proximity`, around the middle of the sites that are at it. Those
    too are only what the caller sees."""
    code = s.argument(folded(query.postcode or ""), "text")
    if query.proximity is None:
        return [f"s.postcodes @> ARRAY[{code}]"]
    shown = visible_sql(audience, s.argument, "x")
    middle = (
        "(SELECT point(avg(x.point[0]), avg(x.point[1])) FROM site_documents x"
        f" WHERE x.postcodes @> ARRAY[{code}] AND {shown})"
    )
    metres = s.argument(query.proximity, "double precision")
    away = (
        "2 * 6371008.8 * asin(least(1, sqrt(sin(radians(s.point[1] - m[1]) / 2) ^ 2"
        " + cos(radians(m[1])) * cos(radians(s.point[1]))"
        " * sin(radians(s.point[0] - m[0]) / 2) ^ 2)))"
    )
    return [f"(SELECT {away} FROM (SELECT {middle} AS m) c) <= {metres}"]


async def site_page(
    session: AsyncSession | SelectReader, query: SiteQuery, audience: Audience, today: date
) -> tuple[list[Row], int]:
    await hold_place_small(session, query, audience)
    found = site_matching(query, audience, today)
    s = found.statement.fork()
    order = Order("s.site_id", "", "site_id", "s", walked=True)
    if found.rank:
        order = Order(ranking.score(found.rank, None), "DESC", "site_id", "s")
    elif query.near:
        order = Order(distance(query.near, s), "NULLS LAST", "site_id", "s")
    elif query.modified_after:
        order = Order("s.modified_at", "", "site_id", "s", walked=True)
    return await page_of(
        session, found, s, audience, columns=[SITE_COLUMNS], order=order,
        number=query.page, per_page=query.per_page,
    )  # fmt: skip


SITE_COLUMNS = (
    "s.site_id, s.service_id, d.level, d.sensitive, s.etag, s.full_body AS site_full,"
    " s.list_body AS site_list, d.full_body, d.core_length, d.list_body,"
    " s.point[0] AS longitude, s.point[1] AS latitude"
)


async def one_site(
    session: AsyncSession | SelectReader, site_id: UUID, audience: Audience
) -> Row | None:
    s = Statement()
    own = s.argument(site_id, "uuid")
    where = visible_sql(audience, s.argument)
    rows = await fetch(
        session,
        f"SELECT {SITE_COLUMNS} FROM site_documents s JOIN service_documents d"
        f" ON d.level = s.level AND d.service_id = s.service_id WHERE s.site_id = {own} AND {where}",
        s.values,
    )
    return rows[0] if rows else None


async def sites_of(session: AsyncSession | SelectReader, rows: Sequence[Row]) -> list[Row]:
    """Sites with a point of these service rows, at the level at which each was read."""
    s = Statement()
    ids = s.argument([row["service_id"] for row in rows], "uuid[]")
    levels = s.argument([row["level"] for row in rows], "smallint[]")
    return await fetch(
        session,
        f"SELECT s.site_id, s.service_id, s.point[0] AS longitude, s.point[1] AS latitude"
        f" FROM unnest({ids}, {levels}) WITH ORDINALITY AS w(id, level, place)"
        " JOIN site_documents s ON s.service_id = w.id AND s.level = w.level"
        " WHERE s.point IS NOT NULL ORDER BY w.place, s.site_id",
        s.values,
    )
