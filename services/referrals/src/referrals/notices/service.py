"""Telling an organisation that something of its concern changed."""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.notices.models import Notice

_table = Notice.metadata.tables["notices"]
_insert = sa.insert(_table).inline()


async def notify(
    session: AsyncSession,
    organisations: Iterable[UUID],
    kind: str,
    *,
    subject_type: str,
    subject_id: UUID,
    version: int | None = None,
    for_supervisor: bool = False,
) -> None:
    """One notice for each distinct organisation; it reaches its feed and its webhooks."""
    now = clock.now()
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
    if rows:
        await session.execute(_insert, rows)
