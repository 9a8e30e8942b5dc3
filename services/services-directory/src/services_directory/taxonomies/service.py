"""Taxonomies and terms that services bring along, beside the built-in ones."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.sight import PARTNERS
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.hsds.visibility import level_of
from services_directory.taxonomies.models import taxonomies, taxonomy_terms

Document = dict[str, Any]
_TERM_WORDS = ("name", "body", "code", "taxonomy_id", "parent_id")


async def keep_terms(session: AsyncSession, service: Document) -> None:
    """Keep the terms of a published service. A term is seen from the level of the most open
    service that carries it: a list of terms must not tell of a service that is not shown."""
    level = level_of(service)
    found = {
        term["id"]: term
        for attribute in service.get("attributes", [])
        if (term := attribute.get("taxonomy_term"))
    }
    for term in found.values():
        if detail := term.get("taxonomy_detail"):
            await keep_taxonomy(session, detail, level)
        await keep_term(session, term, level)


def _seen_from(table: sa.Table, statement: Insert, columns: Sequence[str]) -> dict[str, Any]:
    """The lower of two levels, with the words of the service that it comes from: whoever names the
    id of a hidden term in an open service must not open what the hidden one calls it."""
    given = statement.excluded
    opens = given.visibility < table.c.visibility
    words = {name: sa.case((opens, given[name]), else_=table.c[name]) for name in columns}
    return {"visibility": sa.func.least(table.c.visibility, given.visibility), **words}


async def keep_taxonomy(session: AsyncSession, taxonomy: Document, level: int) -> None:
    statement = insert(taxonomies).values(
        id=UUID(taxonomy["id"]), visibility=level, name=taxonomy["name"], body=taxonomy
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=_seen_from(taxonomies, statement, ("name", "body")),
        )
    )


async def keep_term(session: AsyncSession, term: Document, level: int) -> None:
    taxonomy_id = term.get("taxonomy_id") or term.get("taxonomy_detail", {}).get("id")
    statement = insert(taxonomy_terms).values(
        id=UUID(term["id"]),
        visibility=level,
        name=term["name"],
        body=term,
        code=term.get("code"),
        taxonomy_id=UUID(taxonomy_id) if taxonomy_id else None,
        parent_id=UUID(term["parent_id"]) if term.get("parent_id") else None,
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=_seen_from(taxonomy_terms, statement, _TERM_WORDS),
        )
    )


async def taxonomy_names(
    session: AsyncSession, _principal: Principal, ids: Collection[UUID]
) -> dict[UUID, str]:
    """Names of those of the taxonomies that every verified organisation may know of."""
    return await _names(session, taxonomies, ids)


async def term_names(
    session: AsyncSession, _principal: Principal, ids: Collection[UUID]
) -> dict[UUID, str]:
    """The same for terms."""
    return await _names(session, taxonomy_terms, ids)


async def _names(session: AsyncSession, table: sa.Table, ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        sa.select(table.c.id, table.c.name).where(
            table.c.id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid))),
            table.c.visibility <= PARTNERS,
        )
    )
    return {row[0]: row[1] for row in rows}
