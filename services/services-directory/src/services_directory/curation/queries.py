"""What curators are reminded of."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.models import (
    VERIFICATION_DUE,
    VERIFICATION_EXPIRED,
    reminders,
)
from services_directory.records.queries import standing

DOUBTED_FOR = timedelta(days=30)


async def reminders_for(
    session: AsyncSession,
    caller: Principal,
    *,
    curated: bool,
    after: tuple[date, UUID] | None,
    limit: int,
) -> list[Any]:
    """Of the caller's organisation, or of every entry that the caller curates; the most urgent
    first, and only those that still stand."""
    entries = standing(caller, curated=curated)
    r, s = reminders.c, entries.c
    statement = (
        sa.select(reminders, s.name, s.aors, s.stale, s.organization_id)
        .join(entries, s.id == r.service_id)
        .where(
            sa.case(
                # What has expired is no longer just due.
                (r.kind == VERIFICATION_DUE, (r.due_on == s.valid_until) & sa.not_(s.stale)),
                (r.kind == VERIFICATION_EXPIRED, r.due_on == s.valid_until),
                else_=r.created_at > clock.now() - DOUBTED_FOR,
            ),
        )
        .order_by(r.due_on, r.id)
        .limit(limit)
    )
    if after is not None:
        at = sa.tuple_(sa.literal(after[0], sa.Date), sa.literal(after[1], sa.Uuid))
        statement = statement.where(sa.tuple_(r.due_on, r.id) > at)
    return list((await session.execute(statement)).all())
