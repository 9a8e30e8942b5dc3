"""Updates the stored documents of services when something outside their own record changes."""

from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.happenings import (
    EndorsementsChanged,
    OrganizationChanged,
    PlaceCopied,
    PlacesChanged,
)
from directory.ground.hsds.endorsed import outlived
from directory.record.documents.refresh import store
from directory.record.endorsements.service import end_outlived
from directory.record.locations.service import copy_into_services
from directory.record.records import queries as records


async def organization_changed(session: AsyncSession, happening: OrganizationChanged) -> None:
    """Rewrite the documents of all services of the organisation, because they contain it."""
    await store(session, await records.ids_of(session, happening.organization_id))


async def places_changed(session: AsyncSession, happening: PlacesChanged) -> None:
    """Copy the changed places into all services at those places."""
    touched = await copy_into_services(session, happening.documents, happening.caller)
    await store(session, touched)


async def place_copied(session: AsyncSession, happening: PlaceCopied) -> None:
    """End the endorsements of a service that has moved, unless the endorser moved it (0180)."""
    ended = outlived(happening.before, happening.after) - frozenset(happening.approved_for)
    if ended:
        await end_outlived(session, happening.service_id, ended)


async def endorsements_changed(session: AsyncSession, happening: EndorsementsChanged) -> None:
    """Store the documents, which name the endorsers, and announce the change to the other services."""
    await store(session, [happening.service_id])
