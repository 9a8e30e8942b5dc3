"""Resolves a code shown on a page to the audit chains that it may refer to."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.ground.audit import queries as entries
from referrals.referral.referrals import queries as referrals

_SHORT = 8


async def chains_of(session: AsyncSession, code: str) -> Sequence[UUID]:
    """Return the chains for a case code, a whole id, or the last eight characters of a case or referral id. Return at
    most two; two mean that the code is ambiguous."""
    written = code.strip().upper()
    bare = written.replace("-", "").lower()

    def meant(identifier: Any) -> sa.ColumnElement[bool]:
        hex_digits = sa.func.replace(sa.cast(identifier, sa.Text), "-", "")
        return sa.or_(hex_digits == bare, sa.func.right(hex_digits, _SHORT) == bare)

    ways = (
        cases.with_reference(written),
        entries.chains_meant(meant),
        referrals.cases_meant(meant),
    )
    return (await session.scalars(sa.union(*ways).limit(2))).all()
