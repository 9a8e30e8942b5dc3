"""The webhook worker: turns notices into deliveries, and sends due deliveries at least once, always with the same
webhook-id.

It skips suspended organisations and owners, and replaces notices whose subject the receiver can no longer find
(`access_ended`).
"""

import asyncio
import random
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import sqlalchemy as sa
from common import clock
from common.db.due_rows import or_none
from common.db.session import Database
from common.ids import new_id
from common.messages.rounds import hand_round
from common.process.logs import get_logger
from common.webhooks.addresses import Network
from common.webhooks.client import Answer, Call, send
from common.webhooks.retries import next_attempt
from common.webhooks.secrets import valid_secrets
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.models import Notice
from referrals.ground.notices.queries import by_ids
from referrals.ground.row_security import act_as_service
from referrals.telling.readable_queries import still_told, the_organisation
from referrals.telling.webhooks.models import Delivery, Webhook
from referrals.telling.webhooks.queries import HELD
from referrals.telling.webhooks.service import remember

_AT_ONCE = 20
_LEASE = timedelta(seconds=60)
_GONE = 410
_deliveries = Delivery.metadata.tables["webhook_deliveries"]
_log = get_logger(__name__)
_spread = random.Random()  # noqa: S311 - spreads retries; nothing secret


async def deliveries(session: AsyncSession, notices: Sequence[Any]) -> None:
    """Create deliveries for new notices to their organisations' webhooks. Requires service rights."""
    now = clock.now()
    webhooks = (
        await session.scalars(
            sa.select(Webhook).where(
                col(Webhook.active),
                col(Webhook.organisation_id).in_({n.organisation_id for n in notices}),
            )
        )
    ).all()
    rows = [
        _row(webhook, notice.id, now)
        for notice in notices
        for webhook in webhooks
        if webhook.organisation_id == notice.organisation_id and _wants(webhook, notice)
    ]
    if rows:
        await session.execute(insert(_deliveries).inline().on_conflict_do_nothing(), rows)


def _wants(webhook: Webhook, notice: Any) -> bool:
    """Return whether the webhook subscribes to the kind; a ping concerns only the webhook that requested it."""
    if notice.kind == NoticeKind.WEBHOOK_PING:
        return bool(webhook.id == notice.subject_id)
    return webhook.kinds is None or notice.kind in webhook.kinds


def _row(webhook: Webhook, notice_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "webhook_id": webhook.id,
        "organisation_id": webhook.organisation_id,
        "notice_id": notice_id,
        "status": "waiting",
        "attempts": 0,
        "next_attempt_at": now,
        "created_at": now,
    }


def _due(now: Any) -> tuple[Any, ...]:
    return (
        col(Delivery.status) == "waiting",
        col(Delivery.next_attempt_at) <= now,
        col(Webhook.active),
        sa.not_(HELD),
    )


def any_due(now: Any) -> sa.Exists:
    """Return the SQL condition that a delivery is due by this time. Requires service rights."""
    return sa.exists().where(col(Webhook.id) == col(Delivery.webhook_id), *_due(now))


class Deliverer:
    """Sends due deliveries, each webhook separately, so that a slow webhook delays only its own deliveries. `over` is
    set when a webhook's calls end, because its next calls may then begin."""

    def __init__(
        self,
        database: Database,
        http: aiohttp.ClientSession,
        key: bytes,
        also: Collection[Network],
        over: asyncio.Event | None = None,
    ) -> None:
        self._database, self._http, self._key, self._also = database, http, key, also
        self._over = over or asyncio.Event()
        self._at_it: dict[UUID, asyncio.Task[int]] = {}

    async def look(self) -> int:
        """Start the due calls; return the number of webhooks called."""
        found = await self.due()
        for webhook in found:
            task = asyncio.create_task(self.call(webhook), name=f"webhook-{webhook}")
            self._at_it[webhook] = task
            task.add_done_callback(partial(self._ended, webhook))
        return len(found)

    async def due(self) -> Sequence[UUID]:
        """Return webhooks with due deliveries and no running call."""
        work = partial(_due_webhooks, now=clock.now(), busy=self._at_it.keys())
        return await self._database.retried(work)

    async def call(self, webhook: UUID) -> int:
        """Send a webhook's due deliveries; return the number of attempts."""
        now = clock.now()
        return await hand_round(
            self._database,
            partial(_claim, webhook=webhook, key=self._key, now=now),
            lambda one: send(self._http, one[1], self._also, now),
            _settle,
        )

    def _ended(self, webhook: UUID, task: asyncio.Task[int]) -> None:
        del self._at_it[webhook]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            _log.error("webhook_not_called", exc_info=error)
        else:
            self._over.set()

    async def finish(self) -> int:
        """Wait for the running calls; return their number."""
        return sum(await asyncio.gather(*self._at_it.values()))

    def stop(self) -> None:
        """Cancel running calls. They are repeated when their lease expires."""
        for task in self._at_it.values():
            task.cancel()


async def _due_webhooks(
    session: AsyncSession, now: datetime, busy: Collection[UUID]
) -> Sequence[UUID]:
    await act_as_service(session)
    rows = await session.scalars(
        sa.select(col(Webhook.id))
        .where(
            col(Webhook.id).not_in(list(busy)),
            sa.exists().where(col(Delivery.webhook_id) == col(Webhook.id), *_due(now)),
        )
        .order_by(col(Webhook.id))
    )
    return rows.all()


async def _claim(
    session: AsyncSession, webhook: UUID, key: bytes, now: datetime
) -> tuple[int, Sequence[tuple[UUID, Call]]]:
    await act_as_service(session)
    due = (
        await session.execute(
            sa.select(Delivery, Webhook)
            .join(Webhook, col(Webhook.id) == col(Delivery.webhook_id))
            .where(col(Webhook.id) == webhook, *_due(now))
            .order_by(col(Delivery.next_attempt_at))
            .limit(_AT_ONCE)
            .with_for_update(of=Delivery, skip_locked=True)
        )
    ).all()
    notices = await by_ids(session, {delivery.notice_id for delivery, _ in due}) if due else {}
    told = await _still_told(session, [webhook for _, webhook in due], list(notices.values()))
    claimed = []
    for delivery, hook in due:
        if delivery.notice_id not in told:
            delivery.status, delivery.failure = "access_ended", None
            continue
        delivery.next_attempt_at = now + _LEASE
        secrets = or_none("webhooks", hook.id, partial(_secrets_of, hook, key, now))
        notice = notices[delivery.notice_id]
        if secrets is not None:
            call = Call(hook.url, secrets, f"msg_{notice.id}", body_of(notice))
            claimed.append((delivery.id, call))
    return len(due), claimed


async def _still_told(
    session: AsyncSession, webhooks: Sequence[Webhook], notices: Sequence[Notice]
) -> frozenset[UUID]:
    """Return the due notices whose subject the organisation can still find."""
    told: frozenset[UUID] = frozenset()
    for organisation in {webhook.organisation_id for webhook in webhooks}:
        own = [notice for notice in notices if notice.organisation_id == organisation]
        told |= await still_told(session, the_organisation(organisation), own)
    return told


def _secrets_of(hook: Webhook, key: bytes, now: datetime) -> tuple[str, ...]:
    return valid_secrets(key, hook.id, hook.secret, hook.former_secret, hook.former_until, now)


def body_of(notice: Any) -> bytes:
    """Return the type, time and ids, without any name, type of service or kind of agency."""
    return orjson.dumps(
        {
            "type": notice.kind,
            "timestamp": notice.at,
            "data": {
                "id": str(notice.id),
                "subject_type": notice.subject_type,
                "subject_id": str(notice.subject_id),
                "version": notice.version,
            },
        }
    )


async def _settle(session: AsyncSession, one: tuple[UUID, Call], answer: Answer) -> None:
    await act_as_service(session)
    delivery = await session.get(Delivery, one[0], with_for_update=True)
    if delivery is None:  # somebody has removed the webhook in the meantime
        return
    now = clock.now()
    delivery.attempts += 1
    delivery.answer_status, delivery.failure = answer.status or None, answer.failure
    if answer.delivered:
        delivery.status, delivery.delivered_at = "delivered", now
        return
    if answer.status == _GONE:
        webhook = await session.get(Webhook, delivery.webhook_id)
        if webhook is not None:
            webhook.active, webhook.disabled_reason = False, "answered_gone"
            await remember(session, webhook)
    later = (
        None if answer.status == _GONE else next_attempt(delivery.attempts, now, _spread.random())
    )
    if later is None:
        delivery.status = "dead"
    else:
        delivery.next_attempt_at = later
