"""Telling an organisation that something of its concern changed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.ids import new_id
from common.writes import RowWriter, write_soon
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.notices.kinds import NoticeKind
from referrals.notices.models import Notice


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
    for organisation in sorted(set(organisations)):
        write_soon(
            session,
            _NOTICES,
            {
                "id": new_id(),
                "organisation_id": organisation,
                "kind": kind,
                "subject_type": subject_type,
                "subject_id": subject_id,
                "version": version,
                "for_supervisor": for_supervisor,
                "at": now,
            },
        )


async def mark_told(session: AsyncSession, notice_ids: Collection[UUID], now: datetime) -> None:
    """They were passed on; needs service rights."""
    await session.execute(
        sa.update(Notice)
        .where(col(Notice.id).in_(notice_ids))
        .values(fanned_out_at=now)
        .execution_options(synchronize_session=False)
    )


_NOTICES = RowWriter(
    Notice.metadata.tables["notices"],
    "id",
    "organisation_id",
    "kind",
    "subject_type",
    "subject_id",
    "version",
    "for_supervisor",
    "at",
)
