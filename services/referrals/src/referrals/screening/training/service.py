"""Use cases for trainings and certificates."""

from datetime import timedelta
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import FORBIDDEN, INVALID, SECOND_PERSON
from common.events.referrals import TrainingHeld
from common.ids import new_id
from common.messaging import append
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.audit.service import record
from referrals.ground.restrictions.service import remember_end
from referrals.ground.restrictions.words import Kind
from referrals.screening.training import queries
from referrals.screening.training.models import Certificate, Training
from referrals.screening.training.schemas import NewCertificate, NewTraining, TrainingChange
from referrals.tables import COMMON

_BACKDATED = timedelta(days=3 * 366)


async def hold(session: AsyncSession, caller: Principal, body: NewTraining) -> Training:
    """Record a training that took place; reporting counts it as an activity."""
    _refuse_impossible(body)
    now = clock.now()
    training = Training(
        id=new_id(),
        organisation_id=caller.organisation,
        version=1,
        **body.model_dump(),
        cancelled=False,
        created_at=now,
        created_by=caller.subject,
        changed_at=now,
    )
    session.add(training)
    await session.flush()
    await _announce(session, training)
    await record(session, caller, "training.held", chain=caller.organisation, target_id=training.id)
    return training


async def correct(
    session: AsyncSession, caller: Principal, training_id: UUID, body: TrainingChange
) -> Training:
    training = await queries.own_training(session, caller, training_id, lock=True)
    _refuse_impossible(body)
    for name, value in body.model_dump().items():
        setattr(training, name, value)
    training.version += 1
    training.changed_at = clock.now()
    await session.flush()
    await _announce(session, training)
    await record(
        session, caller, "training.corrected", chain=caller.organisation, target_id=training.id
    )
    return training


async def certify(session: AsyncSession, caller: Principal, body: NewCertificate) -> Certificate:
    """Record who passed; raise 403 for the caller's own certificate."""
    if body.holder in (caller.subject, caller.client_id):
        raise SECOND_PERSON.because(
            "you_cannot_certify_yourself_somebody_else_does", pointer="/holder"
        )
    if body.certified_on > clock.today():
        raise INVALID.because("is_in_future", pointer="/certified_on")
    if body.certified_on < clock.today() - _BACKDATED:
        raise INVALID.because("is_too_long_ago_to_count", pointer="/certified_on")
    if body.training_id is not None:
        training = await queries.own_training(session, caller, body.training_id)
        if training.topic != body.topic:
            raise INVALID.because("training_had_another_topic", pointer="/training_id")
    certificate = Certificate(
        id=new_id(),
        organisation_id=caller.organisation,
        **body.model_dump(),
        created_at=clock.now(),
        created_by=caller.subject,
    )
    session.add(certificate)
    await session.flush()
    await record(
        session, caller, "certificate.recorded", chain=caller.organisation, target_id=certificate.id
    )
    return certificate


async def revoke(
    session: AsyncSession, caller: Principal, certificate_id: UUID, reason: str
) -> Certificate:
    """Revoke a certificate from now on. Earlier conclusions under it remain valid. Repeating this changes nothing."""
    certificate = await queries.own_certificate(session, caller, certificate_id)
    if certificate.holder in (caller.subject, caller.client_id):
        raise FORBIDDEN.because("somebody_else_decides_about_your_own_certificate")
    if certificate.revoked_at is None:
        certificate.revoked_at, certificate.revoked_reason = clock.now(), reason
        await session.flush()
        await remember_end(session, Kind.CERTIFICATE, certificate.id)
        await record(
            session,
            caller,
            "certificate.revoked",
            chain=caller.organisation,
            target_id=certificate.id,
        )
    return certificate


async def revoke_again(session: AsyncSession, certificate_id: UUID) -> int:
    """Revoke again a certificate that a restored backup made valid."""
    certificate = await session.get(Certificate, certificate_id, with_for_update=True)
    if certificate is None or certificate.revoked_at is not None:
        return 0
    certificate.revoked_at, certificate.revoked_reason = clock.now(), "other"
    await session.flush()
    await remember_end(session, Kind.CERTIFICATE, certificate.id)
    return 1


def _refuse_impossible(body: NewTraining) -> None:
    today = clock.today()
    if body.starts_on > today:
        raise INVALID.because("training_that_was_held", pointer="/starts_on")
    if body.starts_on < today - _BACKDATED:
        raise INVALID.because("is_too_long_ago_check_year", pointer="/starts_on")
    place = Places.load().get(body.area)
    if place is not None and place.level < 1:
        raise INVALID.because("name_state_or_smaller_place", pointer="/area")


async def _announce(session: AsyncSession, training: Training) -> None:
    event = TrainingHeld(
        training_id=training.id,
        organisation_id=training.organisation_id,
        version=training.version,
        topic=training.topic,
        area=training.area,
        starts_on=training.starts_on,
        ends_on=training.ends_on,
        sessions=training.sessions,
        women=training.women,
        men=training.men,
        others=training.others,
        cancelled=training.cancelled,
    )
    await append(session, COMMON, event)
