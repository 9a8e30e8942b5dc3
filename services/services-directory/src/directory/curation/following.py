"""Ends of reminders, and parts that history must forget."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.curation.models import CAPACITY_DOUBTED, reminders
from directory.ground.entries.forgetting import forget
from directory.ground.happenings import CapacityTold, DocumentsStored
from directory.ground.hsds.formerly import Formerly, place_formerly
from directory.record.records.queries import with_restricted_parts
from directory.record.records.service import KIND


async def documents_stored(session: AsyncSession, happening: DocumentsStored) -> None:
    """If a place is restricted now, no row of history keeps the parts that must not be stored."""
    rows = await with_restricted_parts(session, happening.service_ids)
    formerly = {row.id: Formerly(row.document, row.approved) for row in rows}
    places = {UUID(place) for each in formerly.values() for place in each.closed_places}
    # What an entry was from its beginning was storable: a file that brings new ones has nothing to look through.
    changed = {row.id: formerly[row.id].shown for row in rows if row.version > 1}
    await forget(session, KIND, changed)
    await forget(session, "location", dict.fromkeys(places, place_formerly))


async def capacity_told(session: AsyncSession, happening: CapacityTold) -> None:
    """The keeper answered how full the service is: end the reminder."""
    r = reminders.c
    await session.execute(
        sa.delete(reminders).where(r.service_id == happening.service_id, r.kind == CAPACITY_DOUBTED)
    )
