"""Ends reminders, and removes parts of the history after a change elsewhere."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.curation.models import CAPACITY_DOUBTED, reminders
from directory.ground.entries.place_removal import forget
from directory.ground.happenings import CapacityTold, DocumentsStored
from directory.ground.hsds.formerly import Formerly, place_formerly
from directory.record.records.queries import with_restricted_parts
from directory.record.records.service import KIND


async def documents_stored(session: AsyncSession, happening: DocumentsStored) -> None:
    """Remove from the history the parts of restricted places that must not be stored."""
    rows = await with_restricted_parts(session, happening.service_ids)
    formerly = {row.id: Formerly(row.document, row.approved) for row in rows}
    places = {UUID(place) for each in formerly.values() for place in each.closed_places}
    # Version 1 contains nothing that must not be stored, so a new entry needs no check.
    changed = {row.id: formerly[row.id].shown for row in rows if row.version > 1}
    await forget(session, KIND, changed)
    await forget(session, "location", dict.fromkeys(places, place_formerly))


async def capacity_told(session: AsyncSession, happening: CapacityTold) -> None:
    """End the capacity reminder, because the organisation responded."""
    r = reminders.c
    await session.execute(
        sa.delete(reminders).where(r.service_id == happening.service_id, r.kind == CAPACITY_DOUBTED)
    )
