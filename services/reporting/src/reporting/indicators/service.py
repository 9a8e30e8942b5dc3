"""Keeps the counters in step with the facts, and records who read them. Never commits."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.facts.array_text import numbers_text
from reporting.facts.bulk import BulkInsert
from reporting.indicators.models import indicator_counters, indicator_reads
from reporting.indicators.vector import Increments, by_counter, dense

_NAMES = ["scope", "scope_id", "month", "area", "category", "vector"]


def _adding(new: Insert) -> Insert:
    # As `vector_add` does it: a function of its own takes a third more, nine times for each event.
    pairs = sa.func.unnest(indicator_counters.c.vector, new.excluded.vector)
    both = pairs.table_valued("x", "y").render_derived()
    none = sa.literal_column("0", sa.BigInteger)
    added = sa.func.coalesce(both.c.x, none) + sa.func.coalesce(both.c.y, none)
    summed = sa.func.array(sa.select(added).scalar_subquery())
    return new.on_conflict_do_update(index_elements=_NAMES[:-1], set_={"vector": summed})


COUNTERS = BulkInsert(indicator_counters, _NAMES, _adding)


def counter_rows(increments: Increments) -> list[tuple[Any, ...]]:
    """Rows that `COUNTERS` adds; in a fixed order, so that two writers cannot deadlock."""
    return [
        (*key, numbers_text(dense(key, counter)))
        for key, counter in sorted(by_counter(increments).items())
        if any(counter.values())
    ]


async def record_read(
    session: AsyncSession,
    caller: Principal,
    parameters: Mapping[str, Any],
    what: str = "indicators",
) -> None:
    """Write down who read exact numbers, before the numbers leave."""
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
