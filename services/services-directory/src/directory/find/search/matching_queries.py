"""Builds a search from its conditions and words, over the documents that the caller can see."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from datetime import date
from hashlib import blake2b

from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import TOO_WIDE
from directory.find.search.condition_queries import (
    Point,
    around,
    at_postcode,
    by_index,
    in_box,
    one_by_one,
)
from directory.find.search.page_queries import Matching
from directory.find.search.parameters import Filters, SiteQuery
from directory.find.search.words import matches, mistyped
from directory.ground.access import visible_by_level
from directory.ground.reading.bounds import MOST_SITES
from directory.ground.reading.rows_queries import fetch
from directory.ground.reading.statement import Statement


def matching(
    query: Filters,
    audience: Audience,
    today: date,
    groups: list[list[str]] | None = None,
    *,
    any_word: bool = False,
    meaning: bool = True,
) -> Matching:
    """Build the search. `groups` replaces its words by similar ones. With `any_word`, one matching word is enough.
    Without `meaning`, only the words themselves count."""
    s = Statement()
    wheres = visible_by_level(audience, s.argument)
    parts, rank = _words(query, groups, s, any_word=any_word, meaning=meaning)
    parts += by_index(query, s)
    each = one_by_one(query, s, today)

    def key() -> str:
        # A digest, so that the search words are not kept in memory.
        asked = f"{audience.key}|{today}|{groups}|{any_word}|{meaning}|{type(query).__name__}|{_key(query)}"
        return blake2b(asked.encode(), digest_size=16).hexdigest()

    heavy = rank is not None or query.near is not None or query.bbox is not None
    found = Matching(s, wheres, rank, key, everything=not (parts or each), heavy=heavy)
    found.also([*parts, *each])
    if (each or not heavy) and not _is_held_small(query):
        found.left = _left(query, audience, groups, any_word=any_word, meaning=meaning)
    return found


def _is_held_small(query: Filters) -> bool:
    return query.bbox is not None or bool(query.near and query.radius)


def _left(
    query: Filters,
    audience: Audience,
    groups: list[list[str]] | None,
    *,
    any_word: bool,
    meaning: bool,
) -> tuple[Statement, str]:
    """Select the documents at the lowest level that pass the indexed conditions. The caller can read each of them at
    that level or higher."""
    s = Statement()
    parts, _ = _words(query, groups, s, any_word=any_word, meaning=meaning)
    wheres = " AND ".join([f"d.level = {audience.base}", *parts, *by_index(query, s)])
    return s, f"SELECT FROM service_documents_{audience.base} d WHERE {wheres}"


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


def _key(query: Filters) -> str:
    given = query.model_dump(
        exclude_defaults=True,
        exclude={"page", "per_page", "format", "full", "minimal", "explain", "facets", "sort"},
    )
    return repr(sorted(given.items()))


async def hold_place_small(
    session: AsyncSession,
    query: Filters,
    audience: Audience,
    centre: Point | None = None,
) -> None:
    """Refuse a place with too many sites, because PostgreSQL reads all sites of a place before it checks any other
    condition."""
    if query.bbox:
        s = Statement()
        await _hold_small(session, s, in_box(query.bbox, s), audience)
    if query.near and query.radius:
        s = Statement()
        await _hold_small(session, s, around(query.near, query.radius, s), audience)
    if isinstance(query, SiteQuery) and query.postcode:
        s = Statement()
        await _hold_small(session, s, at_postcode(query, centre, s), audience)


async def _hold_small(session: AsyncSession, s: Statement, place: str, audience: Audience) -> None:
    most = MOST_SITES // (2 if audience.aors else 1)
    level = s.argument(audience.base, "smallint")
    text = (
        "SELECT count(*) AS n FROM (SELECT FROM site_documents s"
        f" WHERE s.level = {level} AND {place} LIMIT {most + 1}) level"
    )
    if (await fetch(session, text, s))[0]["n"] > most:
        raise TOO_WIDE.because("more_than_sites_lie_in_this_place", f"{most:,}")
