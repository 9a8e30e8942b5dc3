"""Notifies an organisation of a change that concerns it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.models import Notice
from referrals.ground.notices.queries import untold
from referrals.ground.row_security import act_as_service

_NOTICES = Notice.metadata.tables["notices"]


async def notify(
    session: AsyncSession,
    organisations: Iterable[UUID],
    kind: NoticeKind,
    *,
    subject_type: str,
    subject_id: UUID,
    version: int | None = None,
    for_supervisor: bool = False,
) -> None:
    """Write one notice per distinct organisation, for its feed and its webhooks."""
    now = clock.now()
    # The database sets `position`.
    rows = [
        {
            "id": new_id(),
            "organisation_id": organisation,
            "kind": kind,
            "subject_type": subject_type,
            "subject_id": subject_id,
            "version": version,
            "for_supervisor": for_supervisor,
            "at": now,
        }
        for organisation in sorted(set(organisations))
    ]
    await session.flush()
    if rows:
        await session.execute(_NOTICES.insert(), rows)


Follower = Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]
_BATCH = 200


async def fan_out(database: Database, followers: Sequence[Follower]) -> int:
    """Pass new notices to every follower (webhooks, channels) in one transaction; return the number of notices."""
    return await database.retried(partial(_fan_out, followers=followers))


async def _fan_out(session: AsyncSession, followers: Sequence[Follower]) -> int:
    await act_as_service(session)
    notices = await untold(session, _BATCH)
    if notices:
        for follow in followers:
            await follow(session, notices)
        await session.execute(
            sa.update(Notice)
            .where(col(Notice.id).in_([n.id for n in notices]))
            .values(fanned_out_at=clock.now())
            .execution_options(synchronize_session=False)
        )
    return len(notices)
