"""Passing notices on, each once, to all that tell somebody of them: webhooks, channels of people."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from common import clock
from common.db.session import Database
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.notices.queries import untold
from referrals.ground.notices.service import mark_told
from referrals.ground.row_security import act_as_service

Follower = Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]
_BATCH = 200


async def fan_out(database: Database, followers: Sequence[Follower]) -> int:
    """Give what is new to every follower, in one transaction; returns how many notices."""
    return await database.retried(partial(_fan_out, followers=followers))


async def _fan_out(session: AsyncSession, followers: Sequence[Follower]) -> int:
    await act_as_service(session)
    notices = await untold(session, _BATCH)
    if notices:
        for follow in followers:
            await follow(session, notices)
        await mark_told(session, [n.id for n in notices], clock.now())
    return len(notices)
