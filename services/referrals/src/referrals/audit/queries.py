"""Reading the audit for other capabilities: who read a disclosure, what was done in a case."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.audit.models import AuditEntry


async def disclosure_reads(
    session: AsyncSession, referral_ids: Sequence[UUID]
) -> Sequence[AuditEntry]:
    """Who read the snapshots of these referrals."""
    rows = await session.scalars(
        sa.select(AuditEntry)
        .where(
            col(AuditEntry.target_id).in_(referral_ids),
            col(AuditEntry.action) == "disclosure.read",
        )
        .order_by(col(AuditEntry.at))
    )
    return rows.all()


async def done_in(
    session: AsyncSession, chain: UUID, organisation: UUID, limit: int
) -> Sequence[AuditEntry]:
    """What an organisation did in a case, oldest first, without its readings."""
    rows = await session.scalars(
        sa.select(AuditEntry)
        .where(
            col(AuditEntry.chain) == chain,
            col(AuditEntry.organisation_id) == organisation,
            sa.not_(col(AuditEntry.action).like("%read")),
        )
        .order_by(col(AuditEntry.sequence))
        .limit(limit)
    )
    return rows.all()
