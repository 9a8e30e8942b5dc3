"""Reading webhooks and their deliveries."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.webhooks.models import Delivery, Webhook


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
        raise NOT_FOUND.because("Your organisation has no such webhook.")
    return webhook


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
        col(Delivery.webhook_id) == webhook_id,
        col(Delivery.organisation_id) == caller.organisation,
    )
    if status is not None:
        statement = statement.where(col(Delivery.status) == status)
    if before is not None:
        statement = statement.where(col(Delivery.id) < before)
    rows = await session.scalars(statement.order_by(col(Delivery.id).desc()).limit(limit + 1))
    return rows.all()
