"""Taxonomies and terms that services bring along, beside the built-in ones."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.hsds.visibility import level_of
from services_directory.taxonomies.models import taxonomies, taxonomy_terms

Document = dict[str, Any]


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


async def keep_taxonomy(session: AsyncSession, taxonomy: Document, level: int) -> None:
    statement = insert(taxonomies).values(
        id=UUID(taxonomy["id"]), visibility=level, name=taxonomy["name"], body=taxonomy
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={"visibility": sa.func.least(taxonomies.c.visibility, level)},
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
            set_={"visibility": sa.func.least(taxonomy_terms.c.visibility, level)},
        )
    )
