"""Queries for statements. Drafts are for people who prepare reports."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.context import queries as context_queries
from reporting.ground.rights import PREPARING
from reporting.protect.releases import queries as release_queries
from reporting.publish.judgements.citations import Cited, Newest, Statement
from reporting.publish.judgements.models import statements
from reporting.publish.judgements.schemas import Basis
from reporting.publish.judgements.tree import TREE
from reporting.tables import beyond, equal

_BASIS: TypeAdapter[Basis] = TypeAdapter(Basis)


def stored(cited: Iterable[Cited]) -> list[dict[str, Any]]:
    """Return the citations as JSON. A release never changes, so neither does a cited number."""
    return [
        {
            "basis": each.basis.model_dump(mode="json"),
            "source": each.source,
            "value": None if each.value is None else str(each.value),
            "low": each.low,
            "high": each.high,
            "programme": each.programme,
            "ends": each.ends.isoformat() if each.ends else None,
        }
        for each in cited
    ]


def _cited(stored: dict[str, Any]) -> Cited:
    basis = _BASIS.validate_python(stored["basis"])
    value: int | Decimal | None = stored["value"] and Decimal(stored["value"])
    if basis.kind == "figure" and value is not None:
        value = int(value)
    return Cited(
        basis,
        stored["source"],
        value,
        stored["low"],
        stored["high"],
        stored["programme"],
        date.fromisoformat(stored["ends"]) if stored["ends"] else None,
    )


def _statement(row: Any) -> Statement:
    return Statement(**{**row._mapping, "cited": tuple(map(_cited, row.cited))})  # noqa: SLF001 - documented


async def visible(
    session: AsyncSession,
    caller: Principal,
    *,
    statement_id: UUID | None = None,
    analysis: str | None = None,
    tree: bool | None = None,
    after: tuple[str, UUID] | None = None,
    limit: int | None = None,
) -> list[Statement]:
    """Return statements that the caller may see, by analysis and age. `tree` selects either problem trees or SWOT
    lists."""
    conditions = equal(statements, id=statement_id, analysis=analysis)
    if not PREPARING.roles & caller.roles:
        conditions.append(statements.c.agreed_at.is_not(None))
    if tree is not None:
        conditions.append(statements.c.place.in_(TREE) == sa.literal(tree))
    statement = (
        sa.select(statements)
        .where(*conditions, *beyond(after, statements.c.analysis, statements.c.id))
        .order_by(statements.c.analysis, statements.c.id)
        .limit(limit)
    )
    return [_statement(row) for row in await session.execute(statement)]


async def agreed(session: AsyncSession, analysis: str) -> list[Statement]:
    """Return statements to which two people agreed, oldest first."""
    rows = await session.execute(
        sa.select(statements)
        .where(statements.c.analysis == analysis, statements.c.agreed_at.is_not(None))
        .order_by(statements.c.id)
    )
    return [_statement(row) for row in rows]


async def held(session: AsyncSession, analysis: str) -> dict[UUID, Statement]:
    """Lock and return a whole analysis, because two concurrent moves could attach branches to each other."""
    await session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(analysis, 0)))
    )
    rows = await session.execute(sa.select(statements).where(statements.c.analysis == analysis))
    return {row.id: _statement(row) for row in rows}


async def analysis_of(session: AsyncSession, statement_id: UUID) -> str | None:
    found: str | None = await session.scalar(
        sa.select(statements.c.analysis).where(statements.c.id == statement_id)
    )
    return found


async def newest(session: AsyncSession) -> Newest:
    series = await context_queries.newest(session)
    ends = await release_queries.newest_published(session)
    return Newest(ends, frozenset(each.id for each in series))
