"""Queries for crosswalks. A caller sees the terms of its own organisation's publishers, and counts only services whose
record it may read."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.crosswalks.models import (
    crosswalk_additions,
    crosswalk_services,
    crosswalk_terms,
    crosswalk_waiting,
)
from directory.record.records.queries import readable_ids

T = crosswalk_terms.c
S = crosswalk_services.c


def _any(column: Any, ids: Iterable[UUID]) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = column == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid)))
    return found


async def decided_in(session: AsyncSession, source: str) -> dict[tuple[str, str], list[str]]:
    found = await session.execute(
        sa.select(T.taxonomy, T.term, T.categories).where(
            T.source == source, T.categories.is_not(None)
        )
    )
    return {(row.taxonomy, row.term): row.categories for row in found}


async def decided_of(
    session: AsyncSession, ids: Collection[UUID]
) -> dict[UUID, tuple[str, dict[tuple[str, str], list[str]]]]:
    """Return each service's publisher and the decisions about its terms."""
    found = await session.execute(
        sa.select(S.service_id, T.source, T.taxonomy, T.term, T.categories)
        .join_from(crosswalk_services, crosswalk_terms, T.id == S.term_id)
        .where(_any(S.service_id, ids))
        .order_by(T.source)
    )
    decided: dict[UUID, tuple[str, dict[tuple[str, str], list[str]]]] = {}
    for row in found:
        _, known = decided.setdefault(row.service_id, (row.source, {}))
        known[row.taxonomy, row.term] = row.categories or []
    return decided


async def additions_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[str]]:
    a = crosswalk_additions.c
    found = await session.execute(
        sa.select(a.service_id, a.categories).where(_any(a.service_id, ids))
    )
    return defaultdict(list, {row.service_id: row.categories for row in found})


def _of(caller: Principal, source: str | None) -> sa.ColumnElement[bool]:
    mine = T.organisation_id == caller.organisation
    return mine if source is None else sa.and_(mine, T.source == source)


def _carried(caller: Principal) -> sa.Subquery:
    """Select terms together with those of their services that the caller may read."""
    return (
        sa.select(S.term_id, S.service_id)
        .where(S.service_id.in_(readable_ids(caller)))
        .subquery("carried")
    )


async def sources_of(session: AsyncSession, caller: Principal) -> Sequence[Any]:
    """Return publishers with the number of their terms and of the undecided terms."""
    found = await session.execute(
        sa.select(
            T.source,
            sa.func.count().label("terms"),
            sa.func.count().filter(T.categories.is_(None)).label("undecided"),
        )
        .where(_of(caller, None), _seen(caller))
        .group_by(T.source)
        .order_by(T.source)
    )
    return found.all()


def _seen(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the condition that the caller may see the term. A term is hidden while only hidden services have it. A
    term without services comes from a decision file and is not hidden."""
    links = crosswalk_services.alias("links")
    carried = sa.exists().where(links.c.term_id == T.id)
    read = carried.where(links.c.service_id.in_(readable_ids(caller)))
    return sa.or_(read, sa.not_(carried))


async def terms_of(
    session: AsyncSession,
    caller: Principal,
    source: str | None = None,
    *,
    decided: bool | None = None,
    after: UUID | None = None,
    limit: int | None = None,
    ids: Collection[UUID] | None = None,
) -> Sequence[Any]:
    """Return the terms in order of arrival."""
    carried = _carried(caller)
    number = sa.select(sa.func.count()).where(carried.c.term_id == T.id).correlate(crosswalk_terms)
    query = sa.select(crosswalk_terms, number.scalar_subquery().label("services")).where(
        _of(caller, source), _seen(caller)
    )
    if decided is not None:
        query = query.where(T.categories.is_not(None) if decided else T.categories.is_(None))
    if after is not None:
        query = query.where(T.id > after)
    if ids is not None:
        query = query.where(_any(T.id, ids))
    found = await session.execute(query.order_by(T.id).limit(limit))
    return found.all()


async def carriers_of(
    session: AsyncSession, caller: Principal, terms: Collection[UUID]
) -> list[UUID]:
    found = await session.scalars(
        sa.select(S.service_id)
        .where(_any(S.term_id, terms), S.service_id.in_(readable_ids(caller)))
        .distinct()
        .order_by(S.service_id)
    )
    return list(found)


async def versions_of(session: AsyncSession, source: str) -> dict[UUID, int]:
    """Return each term's version. It starts at 1; each decision and each withdrawal adds one."""
    found = await session.execute(sa.select(T.id, T.version).where(T.source == source))
    return {row.id: row.version for row in found}


async def next_waiting(session: AsyncSession, most: int) -> Sequence[Any]:
    """Return waiting services, locked until this transaction ends."""
    w = crosswalk_waiting.c
    found = await session.execute(
        sa.select(w.service_id, w.principal)
        .order_by(w.service_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return found.all()
