"""What the worker does for the line by the calendar: threads end, keys with them."""

from datetime import datetime
from functools import partial
from uuid import UUID

from common.db.session import Database
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.keys.store import CaseKeys
from referrals.ground.sweeps import sweep
from referrals.listening.line import queries
from referrals.listening.line.service import forget

_BATCH = 200


async def forget_expired(database: Database, keys: CaseKeys, now: datetime) -> int:
    """Delete threads that ended; returns how many."""
    ended = partial(queries.expired, now=now, limit=_BATCH)
    return await sweep("threads", database, ended, partial(_forget, keys=keys))


async def _forget(session: AsyncSession, report_id: UUID, *, keys: CaseKeys) -> int:
    await forget(session, keys, report_id)
    return 1
