"""Queries for subscribers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.publish.subscribers.models import subscribers

_s = subscribers.c


async def by_digest(session: AsyncSession, digest: bytes) -> Any | None:
    found = sa.select(subscribers).where(_s.address_digest == digest).with_for_update()
    return (await session.execute(found)).one_or_none()


async def locked(session: AsyncSession, subscriber: UUID) -> Any | None:
    found = sa.select(subscribers).where(_s.id == subscriber).with_for_update()
    return (await session.execute(found)).one_or_none()


async def unconfirmed_since(session: AsyncSession, since: datetime) -> int:
    found = sa.select(sa.func.count()).where(_s.confirmed_at.is_(None), _s.asked_at > since)
    return await session.scalar(found) or 0


async def due(
    session: AsyncSession, now: datetime, newest: datetime | None, limit: int
) -> Sequence[Any]:
    """Return subscribers with a due e-mail, locked against other replicas; `newest` is the time of the last
    publication."""
    told = sa.false() if newest is None else _s.told_until < newest
    found = (
        sa.select(subscribers)
        .where(_s.next_attempt_at <= now, _s.confirm_wanted | told)
        .order_by(_s.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.execute(found)).all()
