"""Queries for calls to late organisations."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.referral.escalations.models import LateCall


async def last_calls(
    session: AsyncSession, aors: Collection[str]
) -> dict[tuple[str, UUID], LateCall]:
    """Return the last call by a coordinator for each area of responsibility and organisation. Requires service
    rights."""
    rows = await session.scalars(
        sa.select(LateCall)
        .ext(distinct_on(col(LateCall.aor), col(LateCall.organisation_id)))
        .where(col(LateCall.aor).in_(sorted(aors)))
        .order_by(col(LateCall.aor), col(LateCall.organisation_id), col(LateCall.called_at).desc())
    )
    return {(call.aor, call.organisation_id): call for call in rows}
