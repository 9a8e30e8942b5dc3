"""What changes the stored documents of services without changing their records."""

from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.documents.storing import store
from services_directory.happenings import EndorsementsChanged, OrganizationChanged, PlacesChanged
from services_directory.locations.service import copy_into_services
from services_directory.records import queries as records


async def organization_changed(session: AsyncSession, happening: OrganizationChanged) -> None:
    """A service's document holds its organisation: all of them are written again."""
    await store(session, await records.ids_of(session, happening.organization_id))


async def places_changed(session: AsyncSession, happening: PlacesChanged) -> None:
    """Every service at the place shows the change at once."""
    await store(session, await copy_into_services(session, happening.documents))


async def endorsements_changed(session: AsyncSession, happening: EndorsementsChanged) -> None:
    """The documents say who stands behind the service, and other services are told of it."""
    await store(session, [happening.service_id])
