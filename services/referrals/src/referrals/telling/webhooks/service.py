"""Webhook use cases: register, rotate the secret, replay, remove."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT
from common.ids import new_id
from common.webhooks.addresses import Network, UnsafeUrl, check_url
from common.webhooks.secrets import FORMER_VALID, new_secret, seal_secret
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.errors import UNSAFE_ADDRESS
from referrals.ground.audit.service import record
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import GONE, Kind, Word, door, shuts
from referrals.ground.row_security import acting_as_service
from referrals.telling.webhooks import queries
from referrals.telling.webhooks.models import Delivery, Webhook
from referrals.telling.webhooks.schemas import NewWebhook, Replay

_MOST = 20
RESTORED = "restored_backup"


async def add(
    session: AsyncSession,
    caller: Principal,
    key: bytes,
    allowed: Collection[Network],
    body: NewWebhook,
) -> tuple[Webhook, str]:
    try:
        check_url(body.url, allowed)
    except UnsafeUrl as error:
        raise UNSAFE_ADDRESS.because("not_this_url", error, pointer="/url") from error
    if len(await queries.listed(session, caller)) >= _MOST:
        raise CONFLICT.because("organisation_has_at_most_webhooks", _MOST)
    webhook_id, secret = new_id(), new_secret()
    webhook = Webhook(
        id=webhook_id,
        organisation_id=caller.organisation,
        url=body.url,
        kinds=None if body.kinds is None else [*body.kinds],
        secret=seal_secret(key, webhook_id, secret),
        active=True,
        created_at=clock.now(),
        created_by=caller.subject,
    )
    session.add(webhook)
    await session.flush()
    await record(session, caller, "webhook.added", chain=caller.organisation, target_id=webhook_id)
    return webhook, secret


async def rotate(
    session: AsyncSession, caller: Principal, key: bytes, webhook_id: UUID
) -> tuple[Webhook, str]:
    """Create a new secret. For a day, both secrets sign calls, so that no call is lost."""
    webhook = await queries.one(session, caller, webhook_id, lock=True)
    secret = new_secret()
    webhook.former_secret = webhook.secret
    webhook.former_until = clock.now() + FORMER_VALID
    webhook.secret = seal_secret(key, webhook.id, secret)
    await session.flush()
    await record(
        session, caller, "webhook.secret_rotated", chain=caller.organisation, target_id=webhook.id
    )
    await remember(session, webhook)
    return webhook, secret


async def enable(session: AsyncSession, caller: Principal, webhook_id: UUID) -> Webhook:
    """Reactivate the webhook and make the caller its owner."""
    webhook = await queries.one(session, caller, webhook_id, lock=True)
    webhook.active, webhook.disabled_reason = True, None
    webhook.kept_by = caller.subject
    await session.flush()
    await record(
        session, caller, "webhook.enabled", chain=caller.organisation, target_id=webhook.id
    )
    await remember(session, webhook)
    return webhook


async def ping(session: AsyncSession, caller: Principal, webhook_id: UUID) -> Webhook:
    """Queue one ping call; raise 409 while the webhook is switched off or paused."""
    webhook = await queries.one(session, caller, webhook_id)
    if not webhook.active:
        raise CONFLICT.because("is_switched_off_enable_it_first")
    if webhook.id in await queries.held(session, caller):
        raise CONFLICT.because("calls_nobody_while_account_is_off")
    await notify(
        session,
        [caller.organisation],
        NoticeKind.WEBHOOK_PING,
        subject_type="webhook",
        subject_id=webhook.id,
    )
    await record(session, caller, "webhook.pinged", chain=caller.organisation, target_id=webhook.id)
    return webhook


async def tell_of_held(session: AsyncSession, owners: AbstractSet[str]) -> None:
    """Notify the supervisors on other channels that a webhook needs a new owner, because its owner was suspended,
    demoted or moved to another organisation."""
    async with acting_as_service(session):
        for webhook in await queries.kept_by(session, owners):
            await notify(
                session,
                [webhook.organisation_id],
                NoticeKind.WEBHOOK_HELD,
                subject_type="webhook",
                subject_id=webhook.id,
                for_supervisor=True,
            )


async def remove(session: AsyncSession, caller: Principal, webhook_id: UUID) -> None:
    webhook = await queries.one(session, caller, webhook_id, lock=True)
    await session.delete(webhook)
    await session.flush()
    await record(
        session, caller, "webhook.removed", chain=caller.organisation, target_id=webhook_id
    )
    await remember_word(session, Kind.WEBHOOK, webhook_id, GONE)


async def remember(session: AsyncSession, webhook: Webhook) -> None:
    """Record the webhook's on/off state and its signing secret for a later restore."""
    word = door(webhook.secret, active=webhook.active)
    await remember_word(session, Kind.WEBHOOK, webhook.id, word)


async def hold_to_word(session: AsyncSession, webhook_id: UUID, word: Word) -> int:
    """After a restore, silence a webhook that had been removed, switched off or given another secret, until somebody
    enables it again."""
    webhook = await session.get(Webhook, webhook_id, with_for_update=True)
    if webhook is None or not webhook.active or not shuts(word, webhook.secret):
        return 0
    webhook.active, webhook.disabled_reason = False, RESTORED
    webhook.former_secret = webhook.former_until = None
    await session.flush()
    await remember(session, webhook)
    return 1


async def replay(session: AsyncSession, caller: Principal, webhook_id: UUID, body: Replay) -> int:
    """Queue deliveries again; return their number. The webhook-id stays the same, so that receivers can drop
    duplicates."""
    webhook = await queries.one(session, caller, webhook_id)
    statement = sa.update(Delivery).where(col(Delivery.webhook_id) == webhook.id)
    if body.delivery_id is not None:
        statement = statement.where(col(Delivery.id) == body.delivery_id)
    else:
        since: datetime | None = body.dead_since
        statement = statement.where(
            col(Delivery.status) == "dead", col(Delivery.created_at) >= since
        )
    changed = await session.execute(
        statement.values(
            status="waiting", attempts=0, next_attempt_at=clock.now(), failure=None
        ).returning(col(Delivery.id))
    )
    count = len(changed.all())
    await record(
        session, caller, "webhook.replayed", chain=caller.organisation, target_id=webhook.id
    )
    return count
