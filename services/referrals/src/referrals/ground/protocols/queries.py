"""Checks whether a protocol covers a referral across a border."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.protocols.models import Protocol


async def covered(
    session: AsyncSession,
    *,
    from_country: str,
    to_countries: Collection[str],
    from_organisation: UUID,
    to_organisation: UUID,
    category: str | None,
    on: date,
) -> bool:
    found = await session.scalar(
        sa.select(sa.literal(True))
        .select_from(Protocol)
        .where(
            col(Protocol.from_country) == from_country,
            col(Protocol.to_country).in_(to_countries),
            sa.or_(
                col(Protocol.from_organisation).is_(None),
                col(Protocol.from_organisation) == from_organisation,
            ),
            sa.or_(
                col(Protocol.to_organisation).is_(None),
                col(Protocol.to_organisation) == to_organisation,
            ),
            _for_category(category),
            col(Protocol.valid_from) <= on,
            sa.or_(col(Protocol.valid_until).is_(None), col(Protocol.valid_until) >= on),
            col(Protocol.ended_at).is_(None),
        )
        .limit(1)
    )
    return bool(found)


def _for_category(category: str | None) -> sa.ColumnElement[bool]:
    every = col(Protocol.categories).is_(None)
    if category is None:
        return every
    return sa.or_(every, col(Protocol.categories).contains([category]))
