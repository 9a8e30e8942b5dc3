"""Queries for counters and capacity, limited to the caller's scopes."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.facts.queries import listed
from reporting.count.indicators.models import indicator_counters
from reporting.count.indicators.scopes import Scope, everything_in
from reporting.count.indicators.vector import ALL, COUNT_LENGTH, LENGTH


@dataclass(frozen=True)
class Asked:
    """A query. Months are given by their first days; ``by`` contains any of "area", "category" and "month"."""

    first: date
    last: date
    by: frozenset[str]
    area: str | None = None
    category: str | None = None

    @property
    def split(self) -> frozenset[str]:
        """Return the dimensions by which the counters must be split for this query; they are always split by month."""
        filtered = {name for name in ("area", "category") if getattr(self, name) is not None}
        return (self.by - {"month"}) | filtered


Key = tuple[date | None, str, str]
"""Month, area and category; None and "" if the query does not split by it."""


async def summed_counters(
    session: AsyncSession, scope: Scope, asked: Asked
) -> dict[Key, list[int]]:
    """Return the summed vectors."""
    counters = indicator_counters.c
    by_area, by_category = _splits(scope, asked)
    conditions = [
        counters.scope == scope.kind,
        counters.scope_id == scope.id,
        counters.month.between(asked.first, asked.last),
        counters.area != ALL if by_area else counters.area == ALL,
        counters.category != ALL if by_category else counters.category == ALL,
    ]
    if scope.areas is not None:
        conditions.append(counters.area.in_(sorted(scope.areas)))
    if asked.area is not None:
        conditions.append(counters.area == asked.area)
    if asked.category is not None:
        conditions.append(counters.category == asked.category)
    length = COUNT_LENGTH if by_area and by_category else LENGTH
    sums: dict[Key, list[int]] = {}
    rows = await session.execute(
        sa.select(counters.month, counters.area, counters.category, counters.vector).where(
            *conditions
        )
    )
    for month, area, category, vector in rows:
        key = (
            month if "month" in asked.by else None,
            area if "area" in asked.by else ALL,
            category if "category" in asked.by else ALL,
        )
        known = sums.get(key, [0] * length)
        sums[key] = [a + b for a, b in zip(known, vector, strict=True)]
    return sums


def _splits(scope: Scope, asked: Asked) -> tuple[bool, bool]:
    """Return which splits to read. Counters exist per area, per category and per combination of both; a total sums the
    counters per area."""
    by_category = "category" in asked.split
    by_area = "area" in asked.split or scope.areas is not None or not by_category
    return by_area, by_category


async def capacity(session: AsyncSession, scope: Scope) -> list[tuple[str, str, int]]:
    """Return the number of listed services by category and capacity state, within the scope."""
    offered = listed("categories", "capacity_state", "organisation_id", "aors", "areas").subquery()
    split = sa.select(
        sa.func.unnest(offered.c.categories).label("category"),
        sa.func.coalesce(offered.c.capacity_state, "unknown").label("state"),
    )
    if scope.kind == "aor":
        split = split.where(offered.c.aors.any_() == scope.id)
        if scope.areas is not None:
            split = split.where(offered.c.areas.overlap(everything_in(scope.areas)))
    else:
        split = split.where(offered.c.organisation_id == sa.cast(scope.id, sa.Uuid))
    each = split.subquery()
    rows = await session.execute(
        sa.select(each.c.category, each.c.state, sa.func.count())
        .group_by(each.c.category, each.c.state)
        .order_by(each.c.category, each.c.state)
    )
    return [(category, state, count) for category, state, count in rows]
