"""Queries for instruments and screenings. Row-level security also limits every statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases.queries import held_by
from referrals.ground.locking_queries import held
from referrals.screening.screenings.models import InstrumentRow, Retirement, Screening


async def instrument_rows(session: AsyncSession, organisation: UUID) -> Sequence[InstrumentRow]:
    """Return uploaded versions that an organisation may use, newest first."""
    rows = await session.scalars(
        sa.select(InstrumentRow)
        .where(
            sa.or_(col(InstrumentRow.organisation_id) == organisation, col(InstrumentRow.shared))
        )
        .order_by(col(InstrumentRow.id).desc())
    )
    return rows.all()


async def count_versions(session: AsyncSession, organisation: UUID) -> int:
    counted = sa.select(sa.func.count()).select_from(InstrumentRow)
    own = col(InstrumentRow.organisation_id) == organisation
    return await session.scalar(counted.where(own)) or 0


async def instrument_row(
    session: AsyncSession, organisation: UUID, instrument_id: UUID
) -> InstrumentRow | None:
    """Return a version that the organisation may use, or that a screening in a received case used. Requires service
    rights."""
    row = await session.get(InstrumentRow, instrument_id)
    if row is None or row.shared or row.organisation_id == organisation:
        return row
    came = sa.exists().where(
        col(Screening.instrument_id) == instrument_id,
        col(Screening.organisation_id) == organisation,
    )
    return row if await session.scalar(sa.select(came)) else None


async def same_version(
    session: AsyncSession, organisation: UUID, code: str, version: str
) -> InstrumentRow | None:
    rows = await session.scalars(
        sa.select(InstrumentRow).where(
            col(InstrumentRow.organisation_id) == organisation,
            col(InstrumentRow.code) == code,
            col(InstrumentRow.version) == version,
        )
    )
    return rows.one_or_none()


async def retired(session: AsyncSession, organisation: UUID) -> set[UUID]:
    """Return the versions that an organisation may no longer use."""
    rows = await session.scalars(
        sa.select(col(Retirement.instrument_id)).where(
            sa.or_(col(Retirement.organisation_id) == organisation, col(Retirement.for_all))
        )
    )
    return set(rows)


async def own_screening(
    session: AsyncSession, caller: Principal, screening_id: UUID, *, lock: bool = False
) -> Screening:
    """Return the caller's screening, or raise 404."""
    statement = sa.select(Screening).where(
        col(Screening.id) == screening_id, col(Screening.organisation_id) == caller.organisation
    )
    if lock:
        statement = statement.where(held(col(Screening.case_id))).with_for_update()
    found = (await session.scalars(statement)).one_or_none()
    # The screening moves with its case. Check this separately, because the case may have moved during the wait for
    # the lock.
    if found is None or not (
        found.case_id is None or await session.scalar(sa.select(held_by(caller, found.case_id)))
    ):
        raise NOT_FOUND.because("no_such_screening_in_your_organisation")
    return found


def _own(caller: Principal) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Screening.organisation_id) == caller.organisation,
        sa.or_(col(Screening.case_id).is_(None), held_by(caller, Screening.case_id)),
    )


def readable(caller: Principal, screening_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(Screening.id) == screening_id, _own(caller))


async def own_screenings(
    session: AsyncSession,
    caller: Principal,
    *,
    status: str | None,
    case_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Screening]:
    statement = sa.select(Screening).where(_own(caller))
    if status is not None:
        statement = statement.where(col(Screening.status) == status)
    if case_id is not None:
        statement = statement.where(col(Screening.case_id) == case_id)
    if before is not None:
        statement = statement.where(col(Screening.id) < before)
    rows = await session.scalars(statement.order_by(col(Screening.id).desc()).limit(limit + 1))
    return rows.all()


async def living_of_case(session: AsyncSession, case_id: UUID) -> Sequence[Screening]:
    """Return the case's screenings that are not erased, locked. Requires service rights."""
    rows = await session.scalars(
        sa.select(Screening)
        .where(col(Screening.case_id) == case_id, col(Screening.status) != "erased")
        .order_by(col(Screening.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def of_case(session: AsyncSession, case_id: UUID) -> list[tuple[UUID, int]]:
    """Return the id and the number of events of a case's screenings, from any organisation. Requires service rights."""
    rows = await session.execute(
        sa.select(col(Screening.id), col(Screening.events)).where(
            col(Screening.case_id) == case_id, col(Screening.status) != "erased"
        )
    )
    return [(row[0], row[1]) for row in rows]


def _unattached(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Screening.case_id).is_(None),
        col(Screening.status) != "erased",
        col(Screening.changed_at) < before,
    )


async def unattached_before(session: AsyncSession, moment: datetime) -> Sequence[UUID]:
    """Return screenings without a case and without activity since `moment`. Requires service rights."""
    return (await session.scalars(sa.select(col(Screening.id)).where(*_unattached(moment)))).all()


async def still_unattached(
    session: AsyncSession, screening_id: UUID, moment: datetime
) -> Screening | None:
    """Return the screening, locked. Return None if it has been used since or another transaction holds it."""
    rows = await session.scalars(
        sa.select(Screening)
        .where(col(Screening.id) == screening_id, *_unattached(moment))
        .with_for_update(skip_locked=True)
    )
    return rows.one_or_none()
