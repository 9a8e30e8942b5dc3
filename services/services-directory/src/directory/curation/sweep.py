"""Finds entries whose verification has expired: they become unverified and are no longer referable.

Organisations get a reminder in advance. While the clock is in doubt, nothing expires. Entries that a wrong clock made
stale become fresh again once the clock is right (decision 0178).
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from common import clock
from common.db.clock_looks import Dates
from common.db.session import Database
from common.events.base import Event
from common.events.directory import VerificationDue
from common.http import BackgroundTask, ServiceContext
from common.ids import new_id
from common.messaging import outbox
from common.process.loops import pause
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.curation.models import (
    VERIFICATION_DUE,
    VERIFICATION_EXPIRED,
    reminders,
)
from directory.record.documents.refresh import store
from directory.record.records import service as records
from directory.settings import Settings
from directory.tables import CLOCK_LOOKS, COMMON

BATCH = 200


def sweep_tasks(context: ServiceContext) -> list[BackgroundTask]:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    dates = Dates(context.database, CLOCK_LOOKS, context.metrics)

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            if await sweep(context.database, dates, settings.reminder_days) < BATCH:
                await pause(stop, settings.sweep_seconds)

    return [BackgroundTask("stale-entries", run)]


async def sweep(database: Database, dates: Dates, reminder_days: int) -> int:
    """Update entries to the current day. Return the largest number of changes by one step (a full batch means that
    there may be more)."""
    believed = await dates.believed()
    async with database.transaction() as session:
        changed = [await mark_fresh(session)]
        if believed:
            changed += [await mark_stale(session), await remind(session, reminder_days)]
    return max(changed)


async def mark_fresh(session: AsyncSession) -> int:
    """Store again the entries that had not really expired; return their number (at most a batch)."""
    ids = await records.mark_fresh(session, clock.today(), BATCH)
    if ids:
        await store(session, ids)
    return len(ids)


async def mark_stale(session: AsyncSession) -> int:
    """Store the entries that became stale; return their number (at most a batch)."""
    ids = await records.mark_stale(session, clock.today(), BATCH)
    if ids:
        await store(session, ids)
        await _tell(session, ids, VERIFICATION_EXPIRED)
    return len(ids)


async def remind(session: AsyncSession, days: int) -> int:
    """Create one reminder per entry and expiry date, for its organisation and its curator. Return their number (at most
    a batch)."""
    today = clock.today()
    ids = await records.mark_reminded(session, today, today + timedelta(days=days), BATCH)
    if ids:
        await _tell(session, ids, VERIFICATION_DUE)
    return len(ids)


async def _tell(session: AsyncSession, ids: Sequence[UUID], kind: str) -> None:
    """Store the reminders and append an event for each, addressed to the service that sends messages. The caller has
    locked the services. There is one reminder per entry, kind and date, however often this runs."""
    rows = await records.next_event(session, ids)
    now = clock.now()
    if not rows:
        return
    await session.execute(
        insert(reminders).on_conflict_do_nothing(),
        [
            {
                "id": new_id(),
                "service_id": row.id,
                "organisation_id": row.organization_id,
                "kind": kind,
                "due_on": row.valid_until,
                "created_at": now,
            }
            for row in rows
        ],
    )
    events: list[Event] = [
        VerificationDue(
            version=row.event_version,
            service_id=row.id,
            organisation_id=row.organization_id,
            managed_by=row.managed_by,
            aors=tuple(row.aors),
            due_on=row.valid_until,
            expired=kind == VERIFICATION_EXPIRED,
        )
        for row in rows
    ]
    await outbox.append_all(session, COMMON, events)
