"""Looks for entries whose verification has run out: they are shown as unverified and are not
referable any more; owners are reminded before."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa
from common import clock
from common.ids import new_id
from common.web import BackgroundTask, ServiceContext
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.models import reminders
from services_directory.services.models import services
from services_directory.services.storing import store
from services_directory.settings import Settings

BATCH = 200


def sweep_tasks(context: ServiceContext) -> list[BackgroundTask]:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with context.database.transaction() as session:
                marked = await mark_stale(session)
                await remind(session, settings.reminder_days)
            if marked < BATCH:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), settings.sweep_seconds)

    return [BackgroundTask("stale-entries", run)]


async def mark_stale(session: AsyncSession) -> int:
    """Store the entries that became stale again; returns how many there were (at most a batch)."""
    today = clock.now().date()
    ids = list(
        await session.scalars(
            sa.select(services.c.id)
            .where(
                services.c.approved.is_not(None),
                sa.not_(services.c.stale),
                services.c.valid_until < today,
            )
            .order_by(services.c.valid_until)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
    )
    if ids:
        await session.execute(sa.update(services).where(services.c.id.in_(ids)).values(stale=True))
        await store(session, ids)
    return len(ids)


async def remind(session: AsyncSession, days: int) -> int:
    """One reminder per entry and date of expiry, for the organisation that offers the service."""
    today = clock.now().date()
    rows = (
        await session.execute(
            sa.select(services.c.id, services.c.organization_id, services.c.valid_until)
            .where(
                services.c.approved.is_not(None),
                services.c.reminded_on.is_(None),
                services.c.valid_until >= today,
                services.c.valid_until <= today + timedelta(days=days),
            )
            .order_by(services.c.valid_until)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
    ).all()
    if not rows:
        return 0
    await session.execute(
        insert(reminders).on_conflict_do_nothing(),
        [
            {
                "id": new_id(),
                "service_id": row.id,
                "organisation_id": row.organization_id,
                "kind": "verification_due",
                "due_on": row.valid_until,
                "created_at": clock.now(),
            }
            for row in rows
        ],
    )
    await session.execute(
        sa.update(services)
        .where(services.c.id.in_([row.id for row in rows]))
        .values(reminded_on=today)
    )
    return len(rows)
