"""What becomes of a case's referrals when it is erased or handed over."""

import sqlalchemy as sa
from common.messaging import forget_persons
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.happenings import CaseErased, CaseHandedOver
from referrals.locking_queries import in_order
from referrals.referrals.lifecycle import Command, Party
from referrals.referrals.models import Referral, Snapshot, Step
from referrals.referrals.queries import of_case
from referrals.referrals.steps import Taken, take
from referrals.tables import COMMON

_REFERRALS = Referral.metadata.tables["referrals"]


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    """Open ones end as if the person had withdrawn; the step and its event hold no attribute."""
    case = happening.case_id
    await session.execute(
        sa.update(_REFERRALS)
        .where(in_order(_REFERRALS, _REFERRALS.c.case_id == case))
        .values(
            draft=None,
            area=None,
            clinical_deadline=None,
            suggested_service_id=None,
        )
    )
    # Releases before 0081 kept here what could be counted.
    await session.execute(
        sa.text("UPDATE referrals SET attributes = NULL WHERE case_id = :case"), {"case": case}
    )
    for referral in await of_case(session, case, open_only=True):
        await session.refresh(referral)
        taken = Taken(Command.WITHDRAW, frozenset({Party.PERSON}), reason="erased")
        await take(session, happening.keys, happening.caller, referral, taken)
    await session.execute(
        sa.update(Snapshot)
        .where(col(Snapshot.case_id) == case)
        .values(sealed=None)
        .execution_options(synchronize_session=False)
    )
    ids = (
        await session.scalars(sa.select(col(Referral.id)).where(col(Referral.case_id) == case))
    ).all()
    await session.execute(
        sa.update(Step)
        .where(col(Step.referral_id).in_(ids))
        .values(detail=None)
        .execution_options(synchronize_session=False)
    )
    await forget_persons(session, COMMON, ids)


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await session.execute(
        sa.update(_REFERRALS)
        .where(in_order(_REFERRALS, _REFERRALS.c.case_id == happening.case_id))
        .values(from_organisation=happening.new)
    )
