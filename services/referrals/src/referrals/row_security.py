"""Row-level security shows an organisation its own rows. A few use cases act for both sides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_SET = sa.text("SELECT set_config('ruta.as_service', :value, true)")


async def act_as_service(session: AsyncSession) -> None:
    """See all rows until this transaction ends: workers and consumers."""
    await session.execute(_SET, {"value": "on"})


@asynccontextmanager
async def acting_as_service(session: AsyncSession) -> AsyncIterator[None]:
    """See all rows inside the block: a use case that has already checked what its caller may do.

    Pending changes are flushed on the way out, while they are still allowed.
    """
    await act_as_service(session)
    yield
    await session.flush()
    await session.execute(_SET, {"value": "off"})
