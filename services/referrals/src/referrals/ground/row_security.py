"""Row-level security shows an organisation its own rows. A few use cases act for both organisations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from common.db.errors import sqlstate
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

_DEPTH = "ruta.as_service"
_ON = sa.text("SELECT set_config('ruta.as_service', 'on', true)")
_OFF = sa.text("SELECT set_config('ruta.as_service', 'off', true)")


async def act_as_service(session: AsyncSession) -> None:
    """Make all rows visible until this transaction ends; for workers and consumers."""
    session.info[_DEPTH] = session.info.get(_DEPTH, 0) + 1
    await session.execute(_ON)


@asynccontextmanager
async def acting_as_service(session: AsyncSession) -> AsyncIterator[None]:
    """Make all rows visible inside the block, after the caller's rights were checked. Flush at the end; an exception
    also ends the visibility."""
    await act_as_service(session)
    try:
        yield
        await session.flush()
    except Exception as error:
        session.info[_DEPTH] -= 1
        # After a database error, the transaction has ended or was rolled back to before the block.
        if not (isinstance(error, SQLAlchemyError) or sqlstate(error)):
            await _end(session)
        raise
    session.info[_DEPTH] -= 1
    await _end(session)


async def _end(session: AsyncSession) -> None:
    if session.info[_DEPTH] == 0:
        await session.execute(_OFF)
