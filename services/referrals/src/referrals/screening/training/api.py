"""HTTP routes for trainings and certificates."""

from datetime import date, timedelta
from typing import Annotated, Literal
from uuid import UUID

from common import clock
from common.auth import Principal, Role
from common.http import IdempotencyRequired, Session, requires, router
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from fastapi import Query

from referrals.ground.dependencies import Supervisor, Writer
from referrals.ground.vocabulary.case_roles import CASE_ROLES
from referrals.screening.training import queries, service
from referrals.screening.training.models import Certificate, Training
from referrals.screening.training.schemas import (
    CertificateView,
    NewCertificate,
    NewTraining,
    Revoke,
    TrainingChange,
    TrainingView,
)

trainings = router("/referrals/v1/trainings", ["training"])
certificates = router("/referrals/v1/certificates", ["training"])
Overseer = Annotated[Principal, requires("referrals:read", roles=CASE_ROLES | {Role.COORDINATOR})]
_SOON = timedelta(days=60)


@trainings.post("", status_code=201, dependencies=[IdempotencyRequired])
async def record_training(body: NewTraining, session: Session, caller: Writer) -> TrainingView:
    """Record a training. Reports count it as a 5W activity."""
    return _training(await service.hold(session, caller, body))


@trainings.get("")
async def list_trainings(
    session: Session, caller: Overseer, cursor: CursorText = None, limit: Limit = 50
) -> Page[TrainingView]:
    """The trainings that your organisation recorded."""
    rows = await queries.trainings(session, caller, before=id_cursor(cursor), limit=limit)
    return page_of(rows, limit, _training)


@trainings.put("/{training_id}")
async def correct_training(
    training_id: UUID, body: TrainingChange, session: Session, caller: Writer
) -> TrainingView:
    """Replace the whole record of the training with the body."""
    return _training(await service.correct(session, caller, training_id, body))


@certificates.post("", status_code=201, dependencies=[IdempotencyRequired])
async def record_certificate(
    body: NewCertificate, session: Session, caller: Supervisor
) -> CertificateView:
    """Record, as a supervisor, who may conclude screenings and until when."""
    return _certificate(await service.certify(session, caller, body), clock.today())


@certificates.get("")
async def list_certificates(
    session: Session,
    caller: Overseer,
    expiring_within_days: Annotated[
        int | None, Query(ge=0, le=730, description="Only those that count today and end by then.")
    ] = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[CertificateView]:
    """List certified people and certificates that end soon. Coordinators see all organisations."""
    today = clock.today()
    until = None if expiring_within_days is None else today + timedelta(days=expiring_within_days)
    rows = await queries.certificates(
        session, caller, expiring_by=until, today=today, before=id_cursor(cursor), limit=limit
    )
    return page_of(rows, limit, lambda row: _certificate(row, today))


@certificates.post("/{certificate_id}/revoke")
async def revoke_certificate(
    certificate_id: UUID, body: Revoke, session: Session, caller: Supervisor
) -> CertificateView:
    """End the certificate now, with a reason."""
    found = await service.revoke(session, caller, certificate_id, body.reason)
    return _certificate(found, clock.today())


def _training(training: Training) -> TrainingView:
    return TrainingView.model_validate(training, from_attributes=True)


def _certificate(row: Certificate, today: date) -> CertificateView:
    return CertificateView(
        id=row.id,
        organisation_id=row.organisation_id,
        holder=row.holder,
        topic=row.topic,
        training_id=row.training_id,
        certified_on=row.certified_on,
        valid_until=row.valid_until,
        standing=_standing(row, today),
        revoked_reason=row.revoked_reason,
    )


def _standing(
    row: Certificate, today: date
) -> Literal["valid", "expiring", "expired", "future", "revoked"]:
    if row.revoked_at is not None:
        return "revoked"
    if today < row.certified_on:
        return "future"
    if today > row.valid_until:
        return "expired"
    return "expiring" if row.valid_until - today <= _SOON else "valid"
