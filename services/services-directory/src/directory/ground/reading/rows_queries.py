"""Runs our own SQL text in the session's transaction."""

from collections.abc import AsyncIterator
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.reading.statement import Statement

Row = sa.RowMapping

# By default, PostgreSQL chooses a plan type after five executions. Its generic plan may read half of the table for a
# search. JIT compilation takes longer than any of these queries.
_FOR_VALUES = sa.text(
    "SELECT set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)
_ONCE = sa.text(
    "SELECT set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)"
)


async def plan_for_values(session: AsyncSession) -> None:
    """Plan each following statement for its values, because a generic plan reads half of the table for rare words."""
    await session.execute(_FOR_VALUES)


async def plan_once(session: AsyncSession) -> None:
    """Reuse the plans of the following statements. Each statement names its index, and planning takes longer than
    execution."""
    await session.execute(_ONCE)


async def fetch(session: AsyncSession, text: str, s: Statement) -> list[Row]:
    return list((await session.execute(_clause(text, len(s.values)), s.named())).mappings())


async def each(session: AsyncSession, text: str, s: Statement) -> AsyncIterator[Row]:
    """Yield rows one by one from a server-side cursor, in constant memory."""
    clause = _clause(text, len(s.values))
    found = await session.stream(clause, s.named(), execution_options={"yield_per": 200})
    async for row in found.mappings():
        yield row


# Parsing the SQL of a search takes longer than running it.
@lru_cache(maxsize=500)
def _clause(text: str, values: int) -> sa.TextClause:
    """Return the text clause. Its SQL declares the types, so values reach the driver unchanged."""
    names = (f"p{at}" for at in range(1, values + 1))
    return sa.text(text).bindparams(
        *(sa.bindparam(each, None, sa.types.NullType()) for each in names)
    )
