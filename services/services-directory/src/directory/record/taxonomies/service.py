"""Taxonomies and terms that services contain, in addition to the built-in ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.sight import PARTNERS
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.hsds.visibility import level_of
from directory.record.taxonomies.models import taxonomies, taxonomy_terms

Document = dict[str, Any]
_TERM_WORDS = ("name", "body", "code", "taxonomy_id", "parent_id")


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms and taxonomies of services that are published together, by id. Each has the level of the most open service
    that uses it, and the texts from the first service with that level."""

    terms: dict[str, tuple[int, Document]] = field(default_factory=dict)
    taxonomies: dict[str, tuple[int, Document]] = field(default_factory=dict)

    def take(self, service: Document) -> None:
        level = level_of(service)
        for attribute in service.get("attributes", []):
            if term := attribute.get("taxonomy_term"):
                _open(self.terms, level, term)
                if detail := term.get("taxonomy_detail"):
                    _open(self.taxonomies, level, detail)


def _open(known: dict[str, tuple[int, Document]], level: int, item: Document) -> None:
    before = known.get(item["id"])
    if before is None or level < before[0]:
        known[item["id"]] = (level, item)


async def keep_terms(session: AsyncSession, found: Terms) -> None:
    """Store the terms of published services, each with the level of its most open service. A list of terms must not
    reveal a hidden service."""
    # Write in id order, so that two writers of the same terms cannot deadlock.
    if found.taxonomies:
        rows = [_taxonomy(*found.taxonomies[key]) for key in sorted(found.taxonomies)]
        await session.execute(_KEEP_TAXONOMY, rows)
    if found.terms:
        rows = [_term(*found.terms[key]) for key in sorted(found.terms)]
        await session.execute(_KEEP_TERM, rows)
    found.taxonomies.clear()
    found.terms.clear()


def _keeping(table: sa.Table, columns: Sequence[str]) -> Insert:
    """Return the statement that keeps the lower level, with the texts from the service at that level.

    An open service that contains the id of a hidden term must not reveal the texts of the hidden service. Unchanged
    rows are not written, because dead row versions would slow down the rest of the transaction.
    """
    statement = insert(table)
    given = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={name: given[name] for name in ("visibility", *columns)},
        where=given.visibility < table.c.visibility,
    )


_KEEP_TAXONOMY = _keeping(taxonomies, ("name", "body"))
_KEEP_TERM = _keeping(taxonomy_terms, _TERM_WORDS)


def _taxonomy(level: int, taxonomy: Document) -> dict[str, Any]:
    return {
        "id": UUID(taxonomy["id"]),
        "visibility": level,
        "name": taxonomy["name"],
        "body": taxonomy,
    }


def _term(level: int, term: Document) -> dict[str, Any]:
    taxonomy_id = term.get("taxonomy_id") or term.get("taxonomy_detail", {}).get("id")
    return {
        "id": UUID(term["id"]),
        "visibility": level,
        "name": term["name"],
        "body": term,
        "code": term.get("code"),
        "taxonomy_id": UUID(taxonomy_id) if taxonomy_id else None,
        "parent_id": UUID(term["parent_id"]) if term.get("parent_id") else None,
    }


async def taxonomy_names(
    session: AsyncSession, _principal: Principal, ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return the names of those given taxonomies that every verified organisation may know about."""
    return await _names(session, taxonomies, ids)


async def term_names(
    session: AsyncSession, _principal: Principal, ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return the names of those given terms that every verified organisation may know about."""
    return await _names(session, taxonomy_terms, ids)


async def _names(session: AsyncSession, table: sa.Table, ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        sa.select(table.c.id, table.c.name).where(
            table.c.id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid))),
            table.c.visibility <= PARTNERS,
        )
    )
    return {row[0]: row[1] for row in rows}
