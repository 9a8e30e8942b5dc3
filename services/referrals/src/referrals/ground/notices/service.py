"""Telling an organisation that something of its concern changed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.models import Notice

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
    """One notice for each distinct organisation; it reaches its feed and its webhooks."""
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


async def mark_told(session: AsyncSession, notice_ids: Collection[UUID], now: datetime) -> None:
    """They were passed on; needs service rights."""
    await session.execute(
        sa.update(Notice)
        .where(col(Notice.id).in_(notice_ids))
        .values(fanned_out_at=now)
        .execution_options(synchronize_session=False)
    )
