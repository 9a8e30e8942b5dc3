"""Queries for webhooks and their deliveries."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.db.ended_rights import suspended
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.people.queries import has_lost_cases
from referrals.tables import ENDED_RIGHTS
from referrals.telling.webhooks.models import Delivery, Webhook

# A webhook's owner.
KEEPER = sa.func.coalesce(col(Webhook.kept_by), col(Webhook.created_by))
# True if the webhook is paused: its organisation is suspended, or its owner is suspended, has moved or lost access to
# cases.
HELD = sa.or_(
    suspended(ENDED_RIGHTS, col(Webhook.organisation_id), KEEPER),
    has_lost_cases(col(Webhook.organisation_id), KEEPER),
)


async def one(
    session: AsyncSession, caller: Principal, webhook_id: UUID, *, lock: bool = False
) -> Webhook:
    statement = sa.select(Webhook).where(
        col(Webhook.id) == webhook_id, col(Webhook.organisation_id) == caller.organisation
    )
    if lock:
        statement = statement.with_for_update()
    webhook = (await session.scalars(statement)).one_or_none()
    if webhook is None:
        raise NOT_FOUND.because("your_organisation_has_no_such_webhook")
    return webhook


async def held(session: AsyncSession, caller: Principal) -> frozenset[UUID]:
    """Return the paused webhooks of the caller's organisation."""
    own = col(Webhook.organisation_id) == caller.organisation
    return frozenset(await session.scalars(sa.select(col(Webhook.id)).where(own, HELD)))


async def kept_by(session: AsyncSession, keepers: Collection[str]) -> Sequence[Webhook]:
    """Return these owners' active but paused webhooks. Requires service rights."""
    rows = await session.scalars(
        sa.select(Webhook)
        .where(col(Webhook.active), KEEPER.in_(keepers), HELD)
        .order_by(col(Webhook.id))
    )
    return rows.all()


async def listed(session: AsyncSession, caller: Principal) -> Sequence[Webhook]:
    rows = await session.scalars(
        sa.select(Webhook)
        .where(col(Webhook.organisation_id) == caller.organisation)
        .order_by(col(Webhook.id))
    )
    return rows.all()


async def deliveries(
    session: AsyncSession,
    caller: Principal,
    webhook_id: UUID,
    *,
    status: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Delivery]:
    statement = sa.select(Delivery).where(
        col(Delivery.webhook_id) == webhook_id, col(Delivery.organisation_id) == caller.organisation
    )
    if status is not None:
        statement = statement.where(col(Delivery.status) == status)
    if before is not None:
        statement = statement.where(col(Delivery.id) < before)
    rows = await session.scalars(statement.order_by(col(Delivery.id).desc()).limit(limit + 1))
    return rows.all()


def was_called(notice: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a system of the organisation accepted this notice. Requires service rights."""
    called = sa.select(sa.literal(1)).where(
        col(Delivery.notice_id) == notice, col(Delivery.status) == "delivered"
    )
    return called.exists()
