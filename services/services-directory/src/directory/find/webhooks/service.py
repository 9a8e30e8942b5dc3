"""Use cases: add, rotate the secret, enable, remove."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT
from common.ids import new_id
from common.webhooks.addresses import Network, UnsafeUrl, check_url
from common.webhooks.secrets import FORMER_VALID, new_secret, seal_secret
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import UNSAFE_ADDRESS
from directory.find.webhooks import queries
from directory.find.webhooks.models import webhooks

_MOST = 5


async def add(
    session: AsyncSession, caller: Principal, key: bytes, allowed: Collection[Network], url: str
) -> tuple[UUID, str]:
    """Add a webhook. Ruta calls it at once, so that its owner sees whether it answers."""
    try:
        check_url(url, allowed)
    except UnsafeUrl as error:
        raise UNSAFE_ADDRESS.because("not_this_url", error, pointer="/url") from error
    if len(await queries.listed(session, caller)) >= _MOST:
        raise CONFLICT.because("organisation_has_at_most_webhooks", _MOST)
    own, secret, now = new_id(), new_secret(), clock.now()
    await session.execute(
        sa.insert(webhooks).values(
            id=own,
            organisation_id=caller.organisation,
            url=url,
            secret=seal_secret(key, own, secret),
            active=True,
            created_at=now,
            kept_by=caller.subject,
            attempts=0,
            next_attempt_at=now,
        )
    )
    return own, secret


async def rotate(session: AsyncSession, caller: Principal, key: bytes, own: UUID) -> str:
    """Create a new secret. For a day, both secrets sign calls."""
    row, secret = await queries.one(session, caller, own), new_secret()
    await _change(
        session,
        own,
        secret=seal_secret(key, own, secret),
        former_secret=row.secret,
        former_until=clock.now() + FORMER_VALID,
    )
    return secret


async def enable(session: AsyncSession, caller: Principal, own: UUID) -> None:
    """Enable the webhook, make the caller its owner and call it at once."""
    await queries.one(session, caller, own)
    await _change(
        session,
        own,
        active=True,
        disabled_reason=None,
        kept_by=caller.subject,
        told=None,
        attempts=0,
        next_attempt_at=clock.now(),
    )


async def remove(session: AsyncSession, caller: Principal, own: UUID) -> None:
    await queries.one(session, caller, own)
    await session.execute(sa.delete(webhooks).where(webhooks.c.id == own))


async def silence_all(session: AsyncSession) -> None:
    """After a restore, call nobody until an owner enables the webhook again. The backup may contain webhooks that were
    removed since, and secrets that were replaced."""
    await session.execute(
        sa.update(webhooks)
        .where(webhooks.c.active)
        .values(
            active=False,
            disabled_reason="restored_backup",
            former_secret=None,
            former_until=None,
        )
    )


async def _change(session: AsyncSession, own: UUID, **values: Any) -> None:
    await session.execute(sa.update(webhooks).where(webhooks.c.id == own).values(**values))
