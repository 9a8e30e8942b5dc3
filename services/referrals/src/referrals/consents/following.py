"""What consents and exceptions keep of an erased case, and who holds those of a case handed over."""

import sqlalchemy as sa
from common.messaging import forget_persons
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.consents.models import DisclosureException, Grant
from referrals.happenings import CaseErased, CaseHandedOver
from referrals.tables import COMMON

UNKNOWN_LANGUAGE = "und"
"""ISO 639-3 for a language that is not known: which one a person speaks can say who they are."""


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await session.execute(
        sa.update(DisclosureException)
        .where(col(DisclosureException.case_id) == happening.case_id)
        .values(rationale=None)
        .execution_options(synchronize_session=False)
    )
    grants = await session.scalars(
        sa.update(Grant)
        .where(col(Grant.case_id) == happening.case_id)
        .values(
            attributes=None,
            withdrawal_digest=None,
            child_assent=None,
            language=UNKNOWN_LANGUAGE,
        )
        .returning(col(Grant.id))
        .execution_options(synchronize_session=False)
    )
    await forget_persons(session, COMMON, grants.all())


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    for table in (Grant, DisclosureException):
        await session.execute(
            sa.update(table)
            .where(col(table.case_id) == happening.case_id)
            .values(organisation_id=happening.new)
            .execution_options(synchronize_session=False)
        )
