"""Which chain of the record a code means, as people read codes on pages."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.audit.models import AuditEntry, AuditHead
from referrals.cases.models import Case
from referrals.referrals.models import Referral

_SHORT = 8


async def chains_of(session: AsyncSession, code: str) -> Sequence[UUID]:
    """By the code of a case, by the last eight characters of the id of a case or of a referral, or by the whole id.
    Of more than two only two: none of them is meant."""
    written = code.strip().upper()
    bare = written.replace("-", "").lower()
    meant: list[sa.Select[Any]] = [
        sa.select(col(Case.id).label("chain")).where(col(Case.reference) == written)
    ]
    for chain, identifier in (
        (col(AuditHead.chain), col(AuditHead.chain)),
        (col(Referral.case_id), col(Referral.id)),
    ):
        hex_digits = sa.func.replace(sa.cast(identifier, sa.Text), "-", "")
        meant.append(
            sa.select(chain).where(
                sa.or_(hex_digits == bare, sa.func.right(hex_digits, _SHORT) == bare)
            )
        )
    return (await session.scalars(sa.union(*meant).limit(2))).all()


async def did_anything(session: AsyncSession, doer: str) -> bool:
    """Whether the record holds anything by this client."""
    done = sa.exists().where(col(AuditEntry.client) == doer)
    return bool(await session.scalar(sa.select(done)))
