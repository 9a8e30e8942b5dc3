"""The caller's notices: those of what they would find one by one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.notices import queries as notices
from referrals.telling.readable_queries import readable


async def page(
    session: AsyncSession, caller: Principal, position: str, after: UUID, limit: int
) -> Sequence[Any]:
    """Up to `limit` + 1 notices after (position, id)."""
    which = readable(caller, notices.SUBJECT_TYPE, notices.SUBJECT_ID)
    return await notices.page(session, caller.organisation, position, after, limit, which)
