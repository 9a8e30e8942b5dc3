"""SELECTs of stored documents. Each one uses `access`; there is no other way to read a document."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from common.errors import Problem
from common.sight import Audience
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import TOO_WIDE
from directory.find.search import ranking
from directory.find.search.condition_queries import distance
from directory.find.search.matching_queries import hold_place_small, matching
from directory.find.search.page_queries import Matching, Order, best_of, page_of
from directory.find.search.parameters import Filters, ServiceQuery, SiteQuery
from directory.find.search.similar_queries import similar
from directory.find.search.site_queries import centre_of, site_matching
from directory.find.search.thesaurus import thesaurus
from directory.find.search.words import says_how
from directory.ground.access import visible
from directory.ground.reading.rows_queries import Row, each, fetch, plan_for_values
from directory.ground.reading.statement import Statement
from directory.record.documents.models import (
    organization_name,
    service_documents,
    service_translations,
)

d, t = service_documents.c, service_translations.c
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
"""With fewer matches, services with any of the words match too."""


@dataclass
class Found:
    rows: list[Row]
    total: int
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    search: str = ""
    """The words as read, corrected if the originals found too little."""
    any_word: bool = False
    broad: bool = False
    """There are too many matches to sort; these are the best by quality."""


def _metres(query: Filters, s: Statement) -> str | None:
    """Return the distance in metres to the nearest visible site, if the query has a point."""
    if query.near is None:
        return None
    return (
        f"(SELECT min({distance(query.near, s)}) FROM site_documents s"
        " WHERE s.level = d.level AND s.service_id = d.service_id)"
    )


async def service_page(
    session: AsyncSession,
    query: ServiceQuery,
    audience: Audience,
    today: date,
    body: str,
) -> Found:
    """Return one page of services. `body` is the stored column to send: full_body or list_body."""
    await plan_for_values(session)
    await hold_place_small(session, query, audience)
    taken, found = await _in_words(session, query, audience, today, body)
    if not found.total and query.search and not says_how(query.search):
        groups = await similar(session, audience, query.search)
        if groups:
            taken = matching(query, audience, today, groups)
            found.rows, found.total = await _page(session, query, audience, taken, body)
    if query.facets:
        most = taken.most // (2 if audience.aors else 1)
        if found.total > most:
            raise TOO_WIDE.because("facets_are_counted_over_services_at_most", f"{most:,}")
        found.facets = await _facets(session, query.facets, taken)
    return found


async def _in_words(
    session: AsyncSession,
    query: ServiceQuery,
    audience: Audience,
    today: date,
    body: str,
) -> tuple[Matching, Found]:
    """Find the narrowest reading of the words that has enough matches. Return its search and its result."""
    taken: Matching | None = None
    found = Found([], 0)
    for reading in _readings(query.search or ""):
        same = not query.search or reading.search == query.search
        asked = query if same else query.model_copy(update={"search": reading.search})
        tried = matching(asked, audience, today, any_word=reading.any_word, meaning=reading.meaning)
        try:
            rows, total = await _page(session, asked, audience, tried, body)
        except Problem as problem:
            if problem.kind is not TOO_WIDE:
                raise
            if found.total:
                break  # keep the result of the narrower reading
            if not tried.rank or tried.left or query.sort or query.facets or query.near:
                raise
            rows, total = await _best(session, asked, tried, body)
            return tried, Found(rows, total, {}, reading.search, reading.any_word, broad=True)
        if taken is None or total > found.total:
            taken, found = tried, Found(rows, total, {}, reading.search, reading.any_word)
        if total >= FEW:
            break
    assert taken is not None  # noqa: S101 - there is a first reading
    return taken, found


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the words of a search. With `any_word`, one of the words or a synonym is enough. With `meaning`,
    the meaning of the words counts too."""

    search: str
    any_word: bool = False
    meaning: bool = True


def _readings(search: str) -> Iterator[_Reading]:
    """Yield ways to read the words, narrowest first."""
    if len(search.split()) > 1:
        yield _Reading(
            search, meaning=False
        )  # if all of several words match, their meaning adds nothing to the result
    yield _Reading(search)
    if not search.strip() or says_how(search):
        return
    corrected = thesaurus().corrected(search)
    if corrected is not None:
        yield _Reading(corrected)
    yield _Reading(corrected or search, any_word=True)


async def _best(
    session: AsyncSession, query: ServiceQuery, found: Matching, body: str
) -> tuple[list[Row], int]:
    extra = [f"{found.rank} AS rank", _EXPLAINED] if query.explain else []
    return await best_of(
        session, found,
        columns=["d.service_id", "d.level", "d.sensitive", f"d.{body} AS body", *extra],
        score=ranking.score(found.rank, None), number=query.page, per_page=query.per_page,
    )  # fmt: skip


async def _page(
    session: AsyncSession,
    query: ServiceQuery,
    audience: Audience,
    found: Matching,
    body: str,
) -> tuple[list[Row], int]:
    s = found.statement.fork()
    # PostgreSQL rejects a bound value that the statement does not use.
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
    session: AsyncSession, wanted: Sequence[str], found: Matching
) -> dict[str, dict[str, int]]:
    """Return counts by code for all matches, not just the page."""
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
    for row in await fetch(session, text, found.statement):
        counts[row["facet"]][row["code"]] = row["n"]
    return counts


async def one_service(
    session: AsyncSession, service_id: UUID, audience: Audience, language: str | None
) -> Row | None:
    """Return one service, with its `body` in `language` if translated."""
    statement = (
        sa.select(
            d.service_id, d.level, d.sensitive, d.etag,
            sa.func.coalesce(t.full_body, d.full_body).label("body"),
        )
        .outerjoin_from(service_documents, service_translations, _translated(language))
        .where(d.service_id == service_id, visible(d, audience))
    )  # fmt: skip
    return (await session.execute(statement)).mappings().one_or_none()


def _translated(language: str | None) -> sa.ColumnElement[bool]:
    return sa.and_(t.level == d.level, t.service_id == d.service_id, t.language == language)


async def translations(
    session: AsyncSession, rows: Sequence[Row], language: str, body: str
) -> dict[UUID, bytes]:
    """Return the translated bodies in `language`, for the rows that have one."""
    shown = [(row["service_id"], row["level"]) for row in rows]
    found = await session.execute(
        sa.select(t.service_id, t[body]).where(
            sa.tuple_(t.service_id, t.level).in_(shown), t.language == language
        )
    )
    return {row.service_id: row[1] for row in found}


async def names_of(
    session: AsyncSession,
    ids: Sequence[UUID],
    audience: Audience,
    language: str | None,
) -> list[Row]:
    """Return the names of the given services that the audience can see, in `language` if translated. Includes the
    organisation's name if the service shows it."""
    translated = sa.cast(sa.func.convert_from(t.list_body, "UTF8"), JSONB)["name"].astext
    name = sa.func.coalesce(translated, d.name).label("name")
    shown_id = sa.case((organization_name.is_not(None), d.organization_id))
    statement = (
        sa.select(
            d.service_id, name, d.sensitive, organization_name.label("organization_name"),
            shown_id.label("shown_organization_id"),
        )
        .outerjoin_from(service_documents, service_translations, _translated(language))
        .where(d.service_id.in_(ids), visible(d, audience))
        .order_by(name, d.service_id)
    )  # fmt: skip
    return list((await session.execute(statement)).mappings())


async def every(
    session: AsyncSession, query: Filters, audience: Audience, today: date, columns: str
) -> AsyncIterator[Row]:
    """Yield all matching rows from a server-side cursor, in constant memory; for ndjson."""
    if isinstance(query, SiteQuery):
        found, order = (
            site_matching(query, audience, today, await centre_of(session, query, audience)),
            "site_id",
        )
    else:
        found, order = matching(query, audience, today), "service_id"
    text = f"{found.branches(columns)} ORDER BY {order}"
    async for row in each(session, text, found.statement):
        yield row
