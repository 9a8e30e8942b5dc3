"""Ends consents and exceptions with their case. Requests consent again when the person comes of age or the caregiver is
suppressed."""

from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from common.messaging import forget_persons
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.consents import queries
from referrals.case.consents.models import DisclosureException, Grant
from referrals.case.consents.service import end_all
from referrals.ground.happenings import CameOfAge, CaregiverSuppressed, CaseErased, CaseHandedOver
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.restrictions import service as restrictions
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.service import open_task
from referrals.ground.vocabulary.ages import Decider
from referrals.tables import COMMON

_RECONSENT_DAYS = 14

UNKNOWN_LANGUAGE = "und"
"""ISO 639-3 for an unknown language; a person's real language may identify them."""


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    await end_all(session, happening.caller, happening.case_id)
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
            attributes=None, withdrawal_digest=None, child_assent=None, language=UNKNOWN_LANGUAGE
        )
        .returning(col(Grant.id))
        .execution_options(synchronize_session=False)
    )
    await forget_persons(session, COMMON, grants.all())
    await restrictions.forget(session, happening.case_id)


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    for table in (Grant, DisclosureException):
        await session.execute(
            sa.update(table)
            .where(col(table.case_id) == happening.case_id)
            .values(organisation_id=happening.new)
            .execution_options(synchronize_session=False)
        )


async def came_of_age(session: AsyncSession, happening: CameOfAge) -> None:
    """Ask the holding organisation to obtain the person's own consent, if others have decided until now."""
    by_others = col(Grant.decided_by) != Decider.PERSON.value
    case_id = happening.case_id
    decided = await queries.given_by(session, case_id, by_others)
    if decided or await queries.for_a_child(session, case_id):
        await _ask_again(
            session, happening.holder, case_id, TaskKind.RECONSENT_AT_18, happening.today
        )


async def caregiver_suppressed(session: AsyncSession, happening: CaregiverSuppressed) -> None:
    by_them = col(Grant.decided_by) == Decider.CAREGIVER.value
    if await queries.given_by(session, happening.case_id, by_them):
        await _ask_again(
            session,
            happening.holder,
            happening.case_id,
            TaskKind.RECONSENT_CAREGIVER_ENDED,
            happening.today,
        )


async def _ask_again(
    session: AsyncSession, holder: UUID, case_id: UUID, kind: TaskKind, today: date
) -> None:
    due_on = today + timedelta(days=_RECONSENT_DAYS)
    await open_task(session, holder, kind, case_id=case_id, due_on=due_on)
    await notify(
        session, [holder], NoticeKind.CASE_RECONSENT_NEEDED, subject_type="case", subject_id=case_id
    )
