"""Calls the webhooks that have something to be told. A failed call is repeated for three days, then the webhook is
switched off. No change is lost: the next call leads to all of them."""

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
from common.http import BackgroundTask, ServiceContext
from common.ids import new_id
from common.messages.rounds import hand_round
from common.process.loops import repeat
from common.webhooks.addresses import Network, networks
from common.webhooks.client import Answer, Call, client, send
from common.webhooks.retries import next_attempt
from common.webhooks.secrets import valid_secrets
from sqlalchemy.ext.asyncio import AsyncSession

from directory.find.webhooks import queries
from directory.find.webhooks.models import webhooks
from directory.settings import Settings
from directory.tables import Xid8

_LOOK_SECONDS = 5.0
_AT_ONCE = 50
_LEASE = timedelta(seconds=60)
_REST = timedelta(seconds=30)
"""The shortest time between two calls, so that an import of a thousand services makes a few calls."""
_GONE = 410
_CHANGES = "/directory/v1/sync/changes"
_spread = random.Random()  # noqa: S311 - spreads retries; nothing secret
Claimed = tuple[UUID, str, Call]


def webhook_tasks(context: ServiceContext) -> list[BackgroundTask]:
    settings, key = context.settings, context.sealing_key
    if not isinstance(settings, Settings):
        raise TypeError("the worker was made with settings of another service")
    allowed = networks(settings.webhook_private_networks)

    async def run(stop: asyncio.Event) -> None:
        async with client(allowed) as http:
            look = partial(call_due, context.database, http, key, allowed)
            await repeat(look, _LOOK_SECONDS, stop)

    return [BackgroundTask("webhooks", run)]


async def call_due(
    database: Database, http: aiohttp.ClientSession, key: bytes, also: Collection[Network]
) -> int:
    """Call each webhook that is due; return how many were."""
    now = clock.now()
    return await hand_round(
        database,
        partial(_claim, key=key, now=now),
        lambda one: send(http, one[2], also, now),
        _settle,
    )


async def _claim(session: AsyncSession, key: bytes, now: datetime) -> tuple[int, Sequence[Claimed]]:
    due = await queries.due(session, now, _AT_ONCE)
    await _change(session, [row.id for row in due], next_attempt_at=now + _LEASE)
    body = {"type": "directory.changed", "timestamp": now, "data": {"changes": _CHANGES}}
    claimed = []
    for row in due:
        secrets = or_none("webhooks", row.id, partial(_secrets_of, row, key, now))
        if secrets is not None:
            call = Call(row.url, secrets, f"msg_{new_id()}", orjson.dumps(body))
            claimed.append((row.id, row.position, call))
    return len(due), claimed


def _secrets_of(row: Any, key: bytes, now: datetime) -> tuple[str, ...]:
    return valid_secrets(key, row.id, row.secret, row.former_secret, row.former_until, now)


async def _settle(session: AsyncSession, one: Claimed, answer: Answer) -> None:
    own, position, _ = one
    row = (
        await session.execute(sa.select(webhooks).where(webhooks.c.id == own).with_for_update())
    ).one_or_none()
    if row is None:  # somebody has since removed the webhook
        return
    now = clock.now()
    known = {"called_at": now, "answer_status": answer.status or None, "failure": answer.failure}
    if answer.delivered:
        told = sa.cast(sa.literal(position, sa.Text), Xid8())
        await _change(session, [own], **known, told=told, attempts=0, next_attempt_at=now + _REST)
        return
    attempts = row.attempts + 1
    later = next_attempt(attempts, now, _spread.random())
    if answer.status == _GONE or later is None:
        why = "answered_gone" if answer.status == _GONE else "not_answered"
        known |= {"active": False, "disabled_reason": why}
    await _change(session, [own], **known, attempts=attempts, next_attempt_at=later or now)


async def _change(session: AsyncSession, ids: Sequence[UUID], **values: Any) -> None:
    await session.execute(sa.update(webhooks).where(webhooks.c.id.in_(ids)).values(**values))
