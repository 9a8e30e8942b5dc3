"""Changes to stored documents of services without a change of their records."""

from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.happenings import (
    EndorsementsChanged,
    OrganizationChanged,
    PlaceCopied,
    PlacesChanged,
)
from directory.ground.hsds.endorsed import outlived
from directory.record.documents.storing import store
from directory.record.endorsements.service import end_outlived
from directory.record.locations.service import copy_into_services
from directory.record.records import queries as records


async def organization_changed(session: AsyncSession, happening: OrganizationChanged) -> None:
    """A service's document holds its organisation: all of them are written again."""
    await store(session, await records.ids_of(session, happening.organization_id))


async def places_changed(session: AsyncSession, happening: PlacesChanged) -> None:
    """Every service at the place shows the change at once."""
    touched = await copy_into_services(session, happening.documents, happening.caller)
    await store(session, touched)


async def place_copied(session: AsyncSession, happening: PlaceCopied) -> None:
    """A service at another place is not the endorsed one, unless its endorser moved it (0180)."""
    ended = outlived(happening.before, happening.after) - frozenset(happening.approved_for)
    if ended:
        await end_outlived(session, happening.service_id, ended)


async def endorsements_changed(session: AsyncSession, happening: EndorsementsChanged) -> None:
    """The documents say who stands behind the service, and other services are told of it."""
    await store(session, [happening.service_id])
