"""Scheduled work on rows, with service rights, one row at a time."""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from common.db.due_rows import one_by_one
from common.db.session import Database
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.row_security import act_as_service


async def sweep(
    what: str,
    database: Database,
    due: Callable[[AsyncSession], Awaitable[Iterable[UUID]]],
    work: Callable[[AsyncSession, UUID], Awaitable[int]],
) -> int:
    """Call `work` for each row that is `due`; return the sum of its results (each 0 or 1). `work` checks again that the
    row is due. For failures, see `one_by_one`."""
    async with database.transaction() as session:
        await act_as_service(session)
        rows = await due(session)

    async def with_service_rights(session: AsyncSession, row: UUID) -> int:
        await act_as_service(session)
        return await work(session, row)

    return await one_by_one(what, database, rows, with_service_rights)
