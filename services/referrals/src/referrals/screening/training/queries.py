"""Reads trainings and certificates."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow
from referrals.screening.training.models import Certificate, Training


async def valid_certificate(
    session: AsyncSession, organisation: UUID, holder: str, topic: str, day: date
) -> Certificate | None:
    rows = await session.scalars(
        sa.select(Certificate)
        .where(
            col(Certificate.organisation_id) == organisation,
            col(Certificate.holder) == holder,
            col(Certificate.topic) == topic,
            col(Certificate.revoked_at).is_(None),
            col(Certificate.certified_on) <= day,
            col(Certificate.valid_until) >= day,
        )
        .limit(1)
    )
    return rows.one_or_none()


async def certificates(
    session: AsyncSession,
    caller: Principal,
    *,
    expiring_by: date | None,
    today: date,
    before: UUID | None,
    limit: int,
) -> Sequence[Certificate]:
    """Return the organisation's certificates, newest first; coordinators see all. `expiring_by`: valid today and
    expired by that date."""
    statement = sa.select(Certificate)
    if Role.COORDINATOR not in caller.roles:
        statement = statement.where(col(Certificate.organisation_id) == caller.organisation)
    if expiring_by is not None:
        statement = statement.where(_ends_between(today, expiring_by))
    if before is not None:
        statement = statement.where(col(Certificate.id) < before)
    rows = await session.scalars(statement.order_by(col(Certificate.id).desc()).limit(limit + 1))
    return rows.all()


def _ends_between(today: date, by: date) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Certificate.revoked_at).is_(None), col(Certificate.valid_until).between(today, by)
    )


def waiting(caller: Principal, today: date, by: date) -> Waiting:
    return Waiting(
        kind=WorkKind.CERTIFICATE_ENDING,
        what=sa.select(Certificate).where(
            col(Certificate.organisation_id) == caller.organisation, _ends_between(today, by)
        ),
        id=col(Certificate.id),
        since=col(Certificate.created_at),
        due=col(Certificate.valid_until),
        shown=lambda row: WorkRow(
            id=row[0].id,
            since=row[0].created_at,
            ids={"certificate_id": row[0].id},
            about=row[0].topic,
        ),
    )


async def own_certificate(
    session: AsyncSession, caller: Principal, certificate_id: UUID
) -> Certificate:
    rows = await session.scalars(
        sa.select(Certificate)
        .where(
            col(Certificate.id) == certificate_id,
            col(Certificate.organisation_id) == caller.organisation,
        )
        .with_for_update()
    )
    found = rows.one_or_none()
    if found is None:
        raise NOT_FOUND.because("your_organisation_has_no_such_certificate")
    return found


async def trainings(
    session: AsyncSession, caller: Principal, *, before: UUID | None, limit: int
) -> Sequence[Training]:
    """Return the organisation's trainings, newest first; coordinators see all."""
    statement = sa.select(Training)
    if Role.COORDINATOR not in caller.roles:
        statement = statement.where(col(Training.organisation_id) == caller.organisation)
    if before is not None:
        statement = statement.where(col(Training.id) < before)
    rows = await session.scalars(statement.order_by(col(Training.id).desc()).limit(limit + 1))
    return rows.all()


async def own_training(
    session: AsyncSession, caller: Principal, training_id: UUID, *, lock: bool = False
) -> Training:
    statement = sa.select(Training).where(
        col(Training.id) == training_id, col(Training.organisation_id) == caller.organisation
    )
    found = (
        await session.scalars(statement.with_for_update() if lock else statement)
    ).one_or_none()
    if found is None:
        raise NOT_FOUND.because("your_organisation_has_no_such_training")
    return found
