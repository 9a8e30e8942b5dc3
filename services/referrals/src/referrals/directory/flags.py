"""Open referrals to a service that can no longer be chosen are flagged, and the referrer told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.directory.models import DirectoryService
from referrals.directory.queries import is_choosable
from referrals.locking_queries import in_order
from referrals.notices.service import notify
from referrals.tables import metadata

NOT_REFERABLE_FLAG = "not_referable"
_CLOSED = (
    "draft",
    "declined",
    "completed",
    "not_delivered",
    "recalled",
    "withdrawn",
    "expired",
    "entered_in_error",
)


async def flag_open_referrals(
    session: AsyncSession, service_ids: Sequence[UUID], now: datetime
) -> None:
    """Set or clear the flag as the service is now; a notice only when the flag is set anew."""
    referrals = metadata.tables["referrals"]
    services = await session.scalars(
        sa.select(DirectoryService)
        .where(col(DirectoryService.service_id).in_(service_ids))
        .execution_options(populate_existing=True)
    )
    by_flag: dict[str | None, list[UUID]] = {}
    for service in services:
        flag = None if is_choosable(service, now) else NOT_REFERABLE_FLAG
        by_flag.setdefault(flag, []).append(service.service_id)
    for flag, ids in by_flag.items():
        concerned = sa.and_(
            referrals.c.service_id == sa.any_(sa.literal(ids, sa.ARRAY(sa.Uuid))),
            referrals.c.sent_at.is_not(None),  # as the index of a service's referrals has it
            referrals.c.state.not_in(_CLOSED),
            referrals.c.service_flag.is_distinct_from(flag),
        )
        changed = await session.execute(
            sa.update(referrals)
            .where(in_order(referrals, concerned), concerned)
            .values(service_flag=flag)
            .returning(referrals.c.id, referrals.c.from_organisation, referrals.c.version)
        )
        if flag is None:
            continue
        for row in changed.all():
            await notify(
                session,
                [row.from_organisation],
                "referral.service_not_referable",
                subject_type="referral",
                subject_id=row.id,
                version=row.version,
            )
