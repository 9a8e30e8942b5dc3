"""What follows for consents when the record of the person changes: whom to ask again, whom to tell."""

from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.consents.models import DisclosureException, Grant
from referrals.notices.service import notify
from referrals.referrals.models import Referral, Snapshot
from referrals.row_security import acting_as_service
from referrals.tasks.service import open_task
from referrals.vocabulary.ages import SUPPRESSED, Caregiver, Decider
from referrals.vocabulary.disclosure import Item

AT_18 = "reconsent_at_18"
CAREGIVER_ENDED = "reconsent_caregiver_ended"
STOP_USING = "stop_using_caregiver_contact"
_RECONSENT_DAYS = 14
_STOP_DAYS = 1


async def came_of_age(
    session: AsyncSession, organisation: UUID, case_id: UUID, today: date
) -> bool:
    """Ask the holder to ask the person themself, if others decided for them so far."""
    if not await _given_by(session, case_id, col(Grant.decided_by) != Decider.PERSON.value):
        return False
    await _ask_again(session, organisation, case_id, AT_18, today)
    return True


async def caregiver_changed(
    session: AsyncSession,
    organisation: UUID,
    case_id: UUID,
    before: Caregiver,
    after: Caregiver,
    today: date,
) -> None:
    """Once a caregiver is implicated or gone their word ends, and nobody uses their contact any
    more."""
    if after not in SUPPRESSED or before in SUPPRESSED:
        return
    if await _given_by(session, case_id, col(Grant.decided_by) == Decider.CAREGIVER.value):
        await _ask_again(session, organisation, case_id, CAREGIVER_ENDED, today)
    for referral_id, recipient, version in await _told_the_contact(session, case_id):
        await open_task(
            session,
            recipient,
            STOP_USING,
            case_id=case_id,
            referral_id=referral_id,
            due_on=today + timedelta(days=_STOP_DAYS),
        )
        await notify(
            session,
            [recipient],
            "referral.disclosure_changed",
            subject_type="referral",
            subject_id=referral_id,
            version=version,
        )


async def _given_by(session: AsyncSession, case_id: UUID, decider: sa.ColumnElement[bool]) -> bool:
    found = await session.scalar(
        sa.select(sa.literal(1))
        .where(col(Grant.case_id) == case_id, col(Grant.status).in_(("active", "pending")), decider)
        .limit(1)
    )
    return found is not None


async def _ask_again(
    session: AsyncSession, organisation: UUID, case_id: UUID, kind: str, today: date
) -> None:
    await open_task(
        session,
        organisation,
        kind,
        case_id=case_id,
        due_on=today + timedelta(days=_RECONSENT_DAYS),
    )
    await notify(
        session, [organisation], "case.reconsent_needed", subject_type="case", subject_id=case_id
    )


async def _told_the_contact(session: AsyncSession, case_id: UUID) -> list[tuple[UUID, UUID, int]]:
    """Referral, recipient and version where the caregiver's contact may have been read."""
    covers = Item.CAREGIVER_CONTACT.value
    statement = (
        sa.select(col(Referral.id), col(Referral.to_organisation), col(Referral.version))
        .join(Snapshot, col(Snapshot.referral_id) == col(Referral.id))
        .outerjoin(Grant, col(Grant.id) == col(Referral.grant_id))
        .outerjoin(DisclosureException, col(DisclosureException.id) == col(Referral.exception_id))
        .where(
            col(Referral.case_id) == case_id,
            col(Referral.held_still).is_(None),
            col(Snapshot.revoked_at).is_(None),
            sa.or_(
                col(Grant.items).contains([covers]),
                col(DisclosureException.items).contains([covers]),
            ),
        )
        .order_by(col(Referral.id))
    )
    async with acting_as_service(session):
        return [(row[0], row[1], row[2]) for row in await session.execute(statement)]
