"""Reading transfers as one of their two sides."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.transfers.models import Transfer
from referrals.ground.locking_queries import held
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow


def _as_party(caller: Principal) -> sa.ColumnElement[bool]:
    return sa.or_(
        col(Transfer.from_organisation) == caller.organisation,
        col(Transfer.to_organisation) == caller.organisation,
    )


def readable(caller: Principal, transfer_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(Transfer.id) == transfer_id, _as_party(caller))


async def one(
    session: AsyncSession, caller: Principal, transfer_id: UUID, *, lock: bool = False
) -> Transfer:
    statement = sa.select(Transfer).where(col(Transfer.id) == transfer_id, _as_party(caller))
    if lock:
        statement = (
            statement.where(held(col(Transfer.case_id)))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    transfer = (await session.scalars(statement)).one_or_none()
    if transfer is None:
        raise NOT_FOUND.because("no_transfer_that_concerns_you_has_this")
    return transfer


async def listed(
    session: AsyncSession, caller: Principal, *, before: UUID | None, limit: int
) -> Sequence[Transfer]:
    statement = sa.select(Transfer).where(_as_party(caller))
    if before is not None:
        statement = statement.where(col(Transfer.id) < before)
    rows = await session.scalars(statement.order_by(col(Transfer.id).desc()).limit(limit + 1))
    return rows.all()


async def open_of(session: AsyncSession, case_id: UUID, *, lock: bool = False) -> Transfer | None:
    statement = sa.select(Transfer).where(
        col(Transfer.case_id) == case_id, col(Transfer.state) == "offered"
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def accepted_under(session: AsyncSession, grant_id: UUID) -> dict[UUID, datetime]:
    """Since when each organisation has had the case under this consent; needs service rights."""
    rows = await session.execute(
        sa.select(col(Transfer.to_organisation), sa.func.min(col(Transfer.decided_at)))
        .where(col(Transfer.grant_id) == grant_id, col(Transfer.state) == "accepted")
        .group_by(col(Transfer.to_organisation))
    )
    return {to: since for to, since in rows if since is not None}


def waiting(caller: Principal) -> Waiting:
    return Waiting(
        kind=WorkKind.TRANSFER_OFFERED,
        what=sa.select(Transfer).where(
            _as_party(caller),
            col(Transfer.to_organisation) == caller.organisation,
            col(Transfer.state) == "offered",
        ),
        id=col(Transfer.id),
        urgency=col(Transfer.urgency),
        since=col(Transfer.offered_at),
        shown=lambda row: _row(row[0]),
    )


def _row(transfer: Transfer) -> WorkRow:
    return WorkRow(
        id=transfer.id,
        since=transfer.offered_at,
        ids={"transfer_id": transfer.id, "case_id": transfer.case_id},
        organisation_id=transfer.from_organisation,
    )


async def sides(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """By id the organisations from which and to which a case is handed over; needs service rights."""
    if not ids:
        return {}
    rows = await session.execute(
        sa.select(
            col(Transfer.id), col(Transfer.from_organisation), col(Transfer.to_organisation)
        ).where(col(Transfer.id).in_(ids))
    )
    return {found: (sender, recipient) for found, sender, recipient in rows}
