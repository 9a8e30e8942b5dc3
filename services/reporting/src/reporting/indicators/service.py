"""Keeps the counters in step with the facts, and records who read them. Never commits."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.facts.array_text import array_text
from reporting.facts.bulk import insert_rows
from reporting.indicators.models import indicator_counters, indicator_reads
from reporting.indicators.vector import Increments, by_counter, dense

_NAMES = ["scope", "scope_id", "month", "area", "category", "vector"]
_KEYS = _NAMES[:-1]


async def apply_increments(session: AsyncSession, increments: Increments) -> None:
    """Add to the counters; keys in a fixed order, so that two writers cannot deadlock."""
    rows = [
        (*key, array_text(dense(key, counter)))
        for key, counter in sorted(by_counter(increments).items())
        if any(counter.values())
    ]
    if not rows:
        return
    statement = insert_rows(indicator_counters, _NAMES, rows)
    summed = sa.func.vector_add(indicator_counters.c.vector, statement.excluded.vector)
    await session.execute(
        statement.on_conflict_do_update(index_elements=_KEYS, set_={"vector": summed})
    )


async def record_read(
    session: AsyncSession,
    principal: Principal,
    parameters: Mapping[str, Any],
    what: str = "indicators",
) -> None:
    """Write down who read exact numbers, before the numbers leave."""
    await session.execute(
        indicator_reads.insert().values(
            id=new_id(),
            read_at=clock.now(),
            client_id=principal.client_id,
            organisation_id=principal.organisation_id,
            what=what,
            parameters=dict(parameters),
        )
    )
