"""Keeps the counters consistent with the facts, and records their readers. Never commits."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.indicators.models import indicator_counters, indicator_reads
from reporting.count.indicators.vector import CounterKey, Increments, by_counter, dense


async def add_to_counters(session: AsyncSession, increments: Increments) -> None:
    new = insert(indicator_counters)
    added = sa.func.vector_add(indicator_counters.c.vector, new.excluded.vector)
    rows = [
        {**key._asdict(), "vector": dense(key, counter)}
        for key, counter in by_counter(increments).items()
        if any(counter.values())
    ]
    if rows:
        conflict = new.on_conflict_do_update(
            index_elements=list(CounterKey._fields), set_={"vector": added}
        )
        await session.execute(conflict, rows)


async def record_read(
    session: AsyncSession,
    caller: Principal,
    parameters: Mapping[str, Any],
    what: str = "indicators",
) -> None:
    """Record who reads exact numbers, before sending the numbers."""
    await session.execute(
        indicator_reads.insert().values(
            id=new_id(),
            read_at=clock.now(),
            client_id=caller.subject,
            organisation_id=caller.organisation_id,
            what=what,
            parameters=dict(parameters),
        )
    )
