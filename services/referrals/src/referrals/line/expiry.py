"""What the worker does for the line by the calendar: threads end, keys with them."""

from datetime import datetime
from functools import partial
from uuid import UUID

from common.database import Database
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.keys.store import CaseKeys
from referrals.line import queries
from referrals.line.service import forget
from referrals.row_security import act_as_service

_BATCH = 200


async def forget_expired(database: Database, keys: CaseKeys, now: datetime) -> int:
    """Delete threads that ended; returns how many."""
    async with database.transaction() as session:
        await act_as_service(session)
        ended = await queries.expired(session, now, _BATCH)
    for report_id in ended:
        await database.retried(partial(_forget, keys=keys, report_id=report_id))
    return len(ended)


async def _forget(session: AsyncSession, keys: CaseKeys, report_id: UUID) -> None:
    await act_as_service(session)
    await forget(session, keys, report_id)
