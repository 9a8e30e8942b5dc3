"""Adapts referrals when their case ends, moves or implicates a recipient, when a caregiver's contact is suppressed, or
when a service becomes unavailable."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.messaging import forget_persons
from common.words.referral_states import TERMINAL, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.consents import exceptions_service
from referrals.case.consents.service import end_unused
from referrals.errors import OPEN_REFERRALS
from referrals.ground.happenings import (
    CaregiverSuppressed,
    CaseClosed,
    CaseClosing,
    CaseErased,
    CaseHandedOver,
    ConflictRecorded,
    ServicesChanged,
)
from referrals.ground.locking_queries import in_order, wait_for_sendings
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.row_security import acting_as_service
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.service import open_task
from referrals.referral.referrals import queries
from referrals.referral.referrals.conflict import end_sharing_with
from referrals.referral.referrals.lifecycle import Command, Party
from referrals.referral.referrals.models import Referral, Snapshot, Step
from referrals.referral.referrals.queries import USES, of_case
from referrals.referral.referrals.steps import Taken, take
from referrals.tables import COMMON

NOT_REFERABLE_FLAG = "not_referable"
_STOP_DAYS = 1
_NOT_FLAGGED = sorted({ReferralState.DRAFT, *TERMINAL})
_REFERRALS = Referral.metadata.tables["referrals"]


async def case_closing(session: AsyncSession, happening: CaseClosing) -> None:
    """Raise 409 while a sent referral is open, because otherwise nobody would be responsible for the person."""
    open_ones = await of_case(session, happening.case_id, open_only=True)
    waiting = [referral.id for referral in open_ones if referral.sent_at is not None]
    if waiting:
        raise OPEN_REFERRALS.because(
            "of_them_would_lose_whoever_answers", len(waiting), referral_ids=waiting
        )


async def case_closed(session: AsyncSession, happening: CaseClosed) -> None:
    """Recall the drafts; `case_closing` prevents any other open referral."""
    for referral in await of_case(session, happening.case_id, open_only=True):
        taken = Taken(Command.RECALL, frozenset({Party.REFERRER}), reason="case_closed")
        await take(session, happening.keys, happening.caller, referral, taken)


async def unused_consents_end(session: AsyncSession, happening: CaseClosed) -> None:
    # Row security may hide an earlier transfer from the organisation that closes the case.
    async with acting_as_service(session):
        await end_unused(session, happening.caller, happening.case_id, USES)


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    """End open referrals as withdrawn by the person. The step and its event contain no attributes."""
    case = happening.case_id
    await session.execute(
        sa.update(_REFERRALS)
        .where(in_order(_REFERRALS, _REFERRALS.c.case_id == case))
        .values(
            draft=None,
            area=None,
            clinical_deadline=None,
            unshared_deadline=None,
            suggested_service_id=None,
        )
    )
    # Releases before 0081 stored statistical attributes here.
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


async def unused_exceptions_end(session: AsyncSession, happening: CaseHandedOver) -> None:
    """End unused exceptions, because two people of the former holder decided them and the new holder makes its own
    decisions."""
    await exceptions_service.end_unused(session, happening.case_id, USES)


async def sides_fall_together(session: AsyncSession, happening: CaseHandedOver) -> None:
    """Recall referrals to the case's new holder, which are now its own work. A sent referral becomes a task, so that
    the person is not lost."""
    for referral in await of_case(session, happening.case_id, open_only=True):
        if referral.to_organisation != happening.new:
            continue
        taken = Taken(Command.RECALL, frozenset({Party.REFERRER}), reason=TaskKind.OWN_WORK)
        await take(session, happening.keys, None, referral, taken)
        if referral.sent_at is not None:
            await open_task(
                session,
                happening.new,
                TaskKind.OWN_WORK,
                case_id=happening.case_id,
                referral_id=referral.id,
                due_on=clock.today(),
            )


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    await session.execute(
        sa.update(_REFERRALS)
        .where(in_order(_REFERRALS, _REFERRALS.c.case_id == happening.case_id))
        .values(from_organisation=happening.new)
    )


async def conflict_recorded(session: AsyncSession, happening: ConflictRecorded) -> None:
    await end_sharing_with(
        session, happening.caller, happening.keys, happening.case_id, happening.implicated
    )


async def caregiver_suppressed(session: AsyncSession, happening: CaregiverSuppressed) -> None:
    """Ask everybody who may have read the caregiver's contact to stop using it."""
    async with acting_as_service(session):
        told = await queries.told_the_contact(session, happening.case_id)
    for referral_id, recipient, version in told:
        await open_task(
            session,
            recipient,
            TaskKind.STOP_USING_CAREGIVER_CONTACT,
            case_id=happening.case_id,
            referral_id=referral_id,
            due_on=happening.today + timedelta(days=_STOP_DAYS),
        )
        await notify(
            session,
            [recipient],
            NoticeKind.REFERRAL_DISCLOSURE_CHANGED,
            subject_type="referral",
            subject_id=referral_id,
            version=version,
        )


async def services_changed(session: AsyncSession, happening: ServicesChanged) -> None:
    """Set or clear the flag according to the current services. Notify only where the flag is newly set."""
    by_flag: dict[str | None, list[UUID]] = {}
    for service_id, choosable in happening.choosable.items():
        by_flag.setdefault(None if choosable else NOT_REFERABLE_FLAG, []).append(service_id)
    if NOT_REFERABLE_FLAG in by_flag:
        await wait_for_sendings(session)
    for flag, ids in by_flag.items():
        concerned = sa.and_(
            _REFERRALS.c.service_id == sa.any_(sa.literal(ids, sa.ARRAY(sa.Uuid))),
            _REFERRALS.c.sent_at.is_not(None),  # the partial index requires this
            _REFERRALS.c.state.not_in(_NOT_FLAGGED),
            _REFERRALS.c.service_flag.is_distinct_from(flag),
        )
        changed = await session.execute(
            sa.update(_REFERRALS)
            .where(in_order(_REFERRALS, concerned), concerned)
            .values(service_flag=flag)
            .returning(_REFERRALS.c.id, _REFERRALS.c.from_organisation, _REFERRALS.c.version)
        )
        if flag is None:
            continue
        for row in changed.all():
            await notify(
                session,
                [row.from_organisation],
                NoticeKind.REFERRAL_SERVICE_NOT_REFERABLE,
                subject_type="referral",
                subject_id=row.id,
                version=row.version,
            )
