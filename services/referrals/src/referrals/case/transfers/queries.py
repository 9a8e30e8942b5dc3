"""Transfer queries for the two organisations of a transfer."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import queries as cases
from referrals.case.transfers.models import Transfer
from referrals.ground.locking_queries import held
from referrals.ground.restrictions.queries import ended_organisations
from referrals.ground.restrictions.words import Succession
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.waiting_queries import Waiting, WorkRow

ASK_AGAIN = "ask_again"
"""Why an offer waits: it comes from a succession, and the person has not agreed yet."""


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


async def left_behind(
    session: AsyncSession, succession: Succession, limit: int, case_id: UUID | None = None
) -> Sequence[UUID]:
    """Return cases that the successor takes over and that have not been offered to it yet. Skip cases on offer to
    another active organisation. `case_id` restricts the result to one case. Requires service rights."""
    cases_ids = cases.to_follow(succession).subquery()
    ended = await ended_organisations(session)
    offered = sa.exists().where(
        col(Transfer.case_id) == cases_ids.c.id,
        sa.or_(
            sa.and_(col(Transfer.state) == "offered", col(Transfer.to_organisation).not_in(ended)),
            sa.and_(
                col(Transfer.to_organisation) == succession.successor,
                col(Transfer.offered_at) >= succession.at,
            ),
        ),
    )
    found = sa.select(cases_ids.c.id).where(sa.not_(offered)).limit(limit)
    if case_id is not None:
        found = found.where(cases_ids.c.id == case_id)
    return (await session.scalars(found)).all()


def took_over_under(grant_id: Any) -> sa.Exists:
    """Return the SQL condition that an organisation took over a case under this consent."""
    return sa.exists().where(col(Transfer.grant_id) == grant_id, col(Transfer.state) == "accepted")


async def accepted_under(session: AsyncSession, grant_id: UUID) -> dict[UUID, datetime]:
    """Return when each organisation first accepted a case under this consent. Requires service rights."""
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
        about=None if transfer.grant_id else ASK_AGAIN,
    )


async def sides(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Return the sending and receiving organisations by transfer id. Requires service rights."""
    if not ids:
        return {}
    rows = await session.execute(
        sa.select(
            col(Transfer.id), col(Transfer.from_organisation), col(Transfer.to_organisation)
        ).where(col(Transfer.id).in_(ids))
    )
    return {found: (sender, recipient) for found, sender, recipient in rows}
