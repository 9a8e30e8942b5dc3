"""Queries for the caller's notices, if the caller could find their subjects."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.notices import queries as notices
from referrals.ground.notices.kinds import News, NoticeKind
from referrals.telling.readable_queries import readable

_OF_COORDINATORS = [kind for kind in NoticeKind if kind.news is News.COORDINATORS]


async def page(
    session: AsyncSession, caller: Principal, position: str, after: UUID, limit: int
) -> Sequence[Any]:
    """Return up to `limit` + 1 notices after (position, id)."""
    which = readable(caller, notices.SUBJECT_TYPE, notices.SUBJECT_ID)
    if Role.COORDINATOR not in caller.roles:
        which = sa.and_(which, notices.KIND.not_in(_OF_COORDINATORS))
    return await notices.page(session, caller.organisation, position, after, limit, which)
