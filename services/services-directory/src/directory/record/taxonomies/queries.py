"""SELECTs of taxonomies and terms: the built-in ones, and those that services contain. A term is listed from the level
of its most open service."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from typing import Any
from uuid import UUID

import orjson
from common.sight import Audience
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.hsds import taxonomy
from directory.ground.reading.parameters import PageQuery
from directory.ground.reading.rows_queries import fetch
from directory.ground.reading.statement import Statement

Document = dict[str, Any]


class TaxonomyQuery(PageQuery):
    pass


class TermQuery(PageQuery):
    taxonomy_id: UUID | None = None
    top_only: bool = False
    parent_id: UUID | None = None


async def taxonomies(
    session: AsyncSession, query: TaxonomyQuery, audience: Audience
) -> list[Document]:
    found = [*taxonomy.taxonomies().values(), *await _brought(session, "taxonomies", audience)]
    return [each for each in found if _matches(each, query.search)]


async def terms(session: AsyncSession, query: TermQuery, audience: Audience) -> list[Document]:
    found = [*taxonomy.built_in_terms(), *await _brought(session, "taxonomy_terms", audience)]
    return [
        each
        for each in found
        if _matches(each, query.search)
        and (query.taxonomy_id is None or _taxonomy_of(each) == str(query.taxonomy_id))
        and (not query.top_only or "parent_id" not in each)
        and (query.parent_id is None or each.get("parent_id") == str(query.parent_id))
    ]


async def one_taxonomy(session: AsyncSession, own: UUID, audience: Audience) -> Document | None:
    for each in taxonomy.taxonomies().values():
        if each["id"] == str(own):
            return each
    return await _one(session, "taxonomies", own, audience)


async def one_term(session: AsyncSession, own: UUID, audience: Audience) -> Document | None:
    for each in taxonomy.built_in_terms():
        if each["id"] == str(own):
            return each
    return await _one(session, "taxonomy_terms", own, audience)


def _taxonomy_of(term: Document) -> str | None:
    found: str | None = term.get("taxonomy_id") or term.get("taxonomy_detail", {}).get("id")
    return found


def _matches(item: Document, search: str | None) -> bool:
    """Return the condition that every word occurs in the name, the code or the description, ignoring accents."""
    text = folded(f"{item['name']} {item.get('code', '')} {item['description']}")
    return all(word in text for word in folded(search or "").split())


async def _brought(session: AsyncSession, table: str, audience: Audience) -> list[Document]:
    s = Statement()
    level = s.argument(audience.base, "smallint")
    rows = await fetch(
        session,
        f"SELECT body::text AS body FROM {table} t WHERE visibility <= {level}"
        f" AND {_carried(table, audience)} ORDER BY name, id",
        s,
    )
    return [_read(row["body"]) for row in rows]


def _carried(table: str, audience: Audience) -> str:
    """Return the condition that a visible service uses the term. When its last visible service is hidden or withdrawn,
    the term's texts are hidden too."""
    column = "terms" if table == "taxonomy_terms" else "taxonomies"
    return (
        f"EXISTS (SELECT FROM service_documents_{audience.base} d WHERE d.{column} @> ARRAY[t.id])"
    )


async def _one(session: AsyncSession, table: str, own: UUID, audience: Audience) -> Document | None:
    s = Statement()
    wanted = s.argument(own, "uuid")
    level = s.argument(audience.base, "smallint")
    rows = await fetch(
        session,
        f"SELECT body::text AS body FROM {table} t WHERE id = {wanted} AND visibility <= {level}"
        f" AND {_carried(table, audience)}",
        s,
    )
    return _read(rows[0]["body"]) if rows else None


def _read(text: str) -> Document:
    found: Document = orjson.loads(text)
    return found
