"""The SELECTs over stored documents. Every one goes through `visible_sql`: there is no other way
to a document."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from common.errors import Problem
from common.places import folded
from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import visible_by_level, visible_sql
from services_directory.errors import TOO_WIDE
from services_directory.reading.rows_queries import Row, SelectReader, each, fetch
from services_directory.reading.statement import Statement
from services_directory.search import ranking
from services_directory.search.bounds import MOST_SITES
from services_directory.search.condition_queries import around, conditions, distance, in_box
from services_directory.search.page_queries import Matching, Order, page_of
from services_directory.search.parameters import Filters, ServiceQuery, SiteQuery
from services_directory.search.similar_queries import similar
from services_directory.search.thesaurus import thesaurus
from services_directory.search.words import matches, mistyped, says_how

_EXPLAINED = (
    "d.categories, d.quality, d.referable, d.functional_status, d.capacity_state, d.valid_until"
)
_FACETS = {
    "category": "unnest(d.categories)",
    "aor": "unnest(d.aors)",
    "area": "unnest(d.within_areas)",
    "language": "unnest(d.languages)",
    "population": "unnest(d.populations)",
    "capacity_state": "d.capacity_state",
    "functional_status": "d.functional_status",
    "provider_level": "d.provider_level",
}


FEW = 3
"""Below so many services, those with any of the words are shown, too."""


@dataclass
class Found:
    rows: list[Row]
    total: int
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    search: str = ""
    """The words as they were read: with their slips set right where they had found too little."""
    any_word: bool = False


def matching(
    query: Filters,
    audience: Audience,
    today: date,
    groups: list[list[str]] | None = None,
    *,
    any_word: bool = False,
    meaning: bool = True,
) -> Matching:
    """`groups` replaces the words of the search by those that may have been meant; `any_word`: one
    of them is enough; not `meaning`: nothing but the words themselves."""
    s = Statement()
    wheres = visible_by_level(audience, s.argument)
    parts, rank = _words(query, groups, s, any_word=any_word, meaning=meaning)
    parts += conditions(query, s, today)

    def key() -> str:
        return f"{audience.key}|{today}|{groups}|{any_word}|{meaning}|{type(query).__name__}|{_key(query)}"

    heavy = rank is not None or query.near is not None or query.bbox is not None
    found = Matching(s, wheres, rank, key, everything=not parts, heavy=heavy)
    found.also(parts)
    return found


def _words(
    query: Filters, groups: list[list[str]] | None, s: Statement, *, any_word: bool, meaning: bool
) -> tuple[list[str], str | None]:
    if groups:
        words = mistyped(groups, s)
    elif query.search and query.search.strip():
        words = matches(query.search, s, any_word=any_word, meaning=meaning)
    else:
        return [], None
    return [words.condition], words.rank


def _metres(query: Filters, s: Statement) -> str | None:
    """To the nearest site that is shown, where a point was given."""
    if query.near is None:
        return None
    return (
        f"(SELECT min({distance(query.near, s)}) FROM site_documents s"
        " WHERE s.level = d.level AND s.service_id = d.service_id)"
    )


def _key(query: Filters) -> str:
    given = query.model_dump(
        exclude_defaults=True,
        exclude={"page", "per_page", "format", "full", "minimal", "explain", "facets", "sort"},
    )
    return repr(sorted(given.items()))


async def service_page(
    session: AsyncSession | SelectReader,
    query: ServiceQuery,
    audience: Audience,
    today: date,
    body: str,
) -> Found:
    """One page of services. `body` is the stored column to send: full_body or list_body."""
    await _hold_place_small(session, query, audience)
    taken, found = await _in_words(session, query, audience, today, body)
    if not found.total and query.search:
        groups = await similar(session, audience, query.search)
        if groups:
            taken = matching(query, audience, today, groups)
            found.rows, found.total = await _page(session, query, audience, taken, body)
    if query.facets:
        if found.total > taken.most:
            raise TOO_WIDE.because(
                f"Facets are counted over {taken.most:,} services at most: say more by `area`, by"
                " `category` or by a word."
            )
        found.facets = await _facets(session, query.facets, taken)
    return found


async def _hold_place_small(
    session: AsyncSession | SelectReader, query: Filters, audience: Audience
) -> None:
    """PostgreSQL reads all sites of a place before it looks at anything else."""
    s = Statement()
    if query.bbox:
        place = in_box(query.bbox, s)
    elif query.near and query.radius:
        place = around(query.near, query.radius, s)
    else:
        return
    level = s.argument(audience.base, "smallint")
    text = (
        "SELECT count(*) AS n FROM (SELECT FROM site_documents s"
        f" WHERE s.level = {level} AND {place} LIMIT {MOST_SITES + 1}) level"
    )
    if (await fetch(session, text, s.values, afresh=True))[0]["n"] > MOST_SITES:
        raise TOO_WIDE.because(
            f"More than {MOST_SITES:,} sites lie in this place: give a smaller `radius` or `bbox`."
        )


async def _in_words(
    session: AsyncSession | SelectReader,
    query: ServiceQuery,
    audience: Audience,
    today: date,
    body: str,
) -> tuple[Matching, Found]:
    """What is found by the narrowest reading that finds enough; with it, how it was asked."""
    taken, found = matching(query, audience, today), Found([], 0)
    for reading in _readings(query.search or ""):
        asked = query.model_copy(update={"search": reading.search}) if query.search else query
        tried = matching(asked, audience, today, any_word=reading.any_word, meaning=reading.meaning)
        try:
            rows, total = await _page(session, asked, audience, tried, body)
        except Problem as problem:
            if problem.kind is not TOO_WIDE or not found.total:
                raise
            break  # what the narrower reading found stands
        if total > found.total or not found.search:
            taken, found = tried, Found(rows, total, {}, reading.search, reading.any_word)
        if total >= FEW:
            break
    return taken, found


@dataclass(frozen=True, slots=True)
class _Reading:
    """`any_word`: any of the words is enough, or other words for them. `meaning`: what the words
    mean counts, too."""

    search: str
    any_word: bool = False
    meaning: bool = True


def _readings(search: str) -> Iterator[_Reading]:
    """Ways to read the words, the narrowest first."""
    if len(search.split()) > 1:
        yield _Reading(search, meaning=False)  # several words, all of them there, say it themselves
    yield _Reading(search)
    if not search.strip() or says_how(search):
        return
    corrected = thesaurus().corrected(search)
    if corrected is not None:
        yield _Reading(corrected)
    yield _Reading(corrected or search, any_word=True)


async def _page(
    session: AsyncSession | SelectReader,
    query: ServiceQuery,
    audience: Audience,
    found: Matching,
    body: str,
) -> tuple[list[Row], int]:
    s = found.statement.fork()
    # Bound only where it is named: PostgreSQL refuses a value that nothing refers to.
    needed = query.explain or _sort(query, found) in {"relevance", "distance"}
    metres = _metres(query, s) if needed else None
    extra = [f"{found.rank} AS rank"] if found.rank and query.explain else []
    if metres and query.explain:
        extra.append(f"{metres} AS metres")
    if query.explain:
        extra.append(_EXPLAINED)
    columns = ["d.service_id", "d.level", "d.sensitive", f"d.{body} AS body", *extra]
    return await page_of(
        session, found, s, audience, columns=columns, order=_order(query, found, metres),
        number=query.page, per_page=query.per_page,
    )  # fmt: skip


def _sort(query: ServiceQuery, found: Matching) -> str:
    if query.sort:
        return query.sort
    if found.rank:
        return "relevance"
    if query.near:
        return "distance"
    return "modified" if query.modified_after else "quality"


def _order(query: ServiceQuery, found: Matching, metres: str | None) -> Order:
    sort = _sort(query, found)
    if sort == "relevance" and (found.rank or metres):
        return Order(ranking.score(found.rank, metres), "DESC")
    if sort == "distance" and metres:
        return Order(metres, "NULLS LAST")
    if sort == "name":
        return Order("d.name")
    if sort == "modified":
        return Order("d.modified_at", walked=True)
    return Order("d.quality", "DESC", walked=True)


async def _facets(
    session: AsyncSession | SelectReader, wanted: Sequence[str], found: Matching
) -> dict[str, dict[str, int]]:
    """Counts by code over everything that matches, not just the page."""
    parts = [
        f"SELECT '{name}' AS facet, {_FACETS[name]} AS code, d.service_id FROM hits d"
        for name in dict.fromkeys(wanted)
    ]
    columns = "d.service_id, d.categories, d.aors, d.within_areas, d.languages, d.populations,"
    columns += " d.capacity_state, d.functional_status, d.provider_level"
    text = (
        f"WITH hits AS MATERIALIZED ({found.some(columns)})"
        f" SELECT facet, code, count(DISTINCT service_id) AS n FROM ({' UNION ALL '.join(parts)}) f"
        " WHERE code IS NOT NULL GROUP BY facet, code ORDER BY facet, n DESC, code"
    )
    counts: dict[str, dict[str, int]] = {name: {} for name in wanted}
    for row in await fetch(session, text, found.statement.values, afresh=True):
        counts[row["facet"]][row["code"]] = row["n"]
    return counts


async def one_service(
    session: AsyncSession | SelectReader, service_id: UUID, audience: Audience, language: str | None
) -> Row | None:
    s = Statement()
    own = s.argument(service_id, "uuid")
    where = visible_sql(audience, s.argument)
    join, body = _in_language(language, s)
    rows = await fetch(
        session,
        f"SELECT d.service_id, d.level, d.sensitive, d.etag, {body} AS body"
        f" FROM service_documents d {join} WHERE d.service_id = {own} AND {where}",
        s.values,
    )
    return rows[0] if rows else None


def _in_language(language: str | None, s: Statement) -> tuple[str, str]:
    if language is None:
        return "", "d.full_body"
    wanted = s.argument(language, "text")
    join = (
        "LEFT JOIN service_translations t ON t.level = d.level AND t.service_id = d.service_id"
        f" AND t.language = {wanted}"
    )
    return join, "coalesce(t.full_body, d.full_body)"


async def translations(
    session: AsyncSession | SelectReader, rows: Sequence[Row], language: str, body: str
) -> dict[UUID, bytes]:
    """Bodies in `language` of those of the rows that were translated."""
    s = Statement()
    ids = s.argument([row["service_id"] for row in rows], "uuid[]")
    levels = s.argument([row["level"] for row in rows], "smallint[]")
    found = await fetch(
        session,
        f"SELECT t.service_id, t.{body} AS body FROM unnest({ids}, {levels}) AS w(id, level)"
        " JOIN service_translations t ON t.service_id = w.id AND t.level = w.level"
        f" AND t.language = {s.argument(language, 'text')}",
        s.values,
    )
    return {row["service_id"]: row["body"] for row in found}


def _site_matching(query: SiteQuery, audience: Audience, today: date) -> Matching:
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
    await _hold_place_small(session, query, audience)
    found = _site_matching(query, audience, today)
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


async def every(
    session: AsyncSession, query: Filters, audience: Audience, today: date, columns: str
) -> AsyncIterator[Row]:
    """All matching rows by a cursor of the server, in bounded memory; for ndjson."""
    if isinstance(query, SiteQuery):
        found, order = _site_matching(query, audience, today), "site_id"
    else:
        found, order = matching(query, audience, today), "service_id"
    text = f"{found.branches(columns)} ORDER BY {order}"
    async for row in each(session, text, found.statement.values):
        yield row
