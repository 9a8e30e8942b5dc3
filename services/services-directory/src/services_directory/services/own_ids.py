"""Ids that a caller brings along.

If a free id were taken and a taken one turned away, an id would tell whether something hidden stands
under it. So the directory gives the ids: one that is brought along means an entry of the caller's
own organisation, under an id made from both, unless it is an entry whose record the caller may
read. The answer is the same whether the brought id is free or hidden. Only who may read every
record keeps new ids: from that caller nothing is hidden.
"""

from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.curation.states import reads_every_record
from services_directory.hsds.schemas import ServiceDocument
from services_directory.locations import service as places
from services_directory.services.drafting import OwnIds
from services_directory.services.models import site_documents


def own_id(principal: Principal, given: UUID) -> UUID:
    """The id of what the caller's organisation means by `given`."""
    return given if reads_every_record(principal) else uuid5(principal.organisation, str(given))


async def own_ids(
    session: AsyncSession,
    principal: Principal,
    document: ServiceDocument,
    service_id: UUID,
    before: dict[str, Any] | None,
) -> OwnIds:
    """A place keeps its id if the caller may read its record, a site if it is this service's; so
    does all that the service had before."""
    sites = document.service_at_locations or []
    places_given = {
        each for site in sites if (each := site.location.id if site.location else site.location_id)
    }
    sites_given = {site.id for site in sites if site.id}
    had_places, had_sites = _had(before)
    new_places = places_given - had_places
    readable = set(await places.editable(session, principal, new_places)) if new_places else set()
    new_sites = sites_given - had_sites
    kept = await _free(session, principal, new_sites)
    return OwnIds(
        {each: own_id(principal, each) for each in new_places - readable},
        {each: uuid5(service_id, str(each)) for each in new_sites - kept},
    )


def _had(before: dict[str, Any] | None) -> tuple[set[UUID], set[UUID]]:
    """(places, sites) of the record."""
    sites = (before or {}).get("service_at_locations", [])
    named = {UUID(site["location"]["id"]) for site in sites if "location" in site}
    return named, {UUID(site["id"]) for site in sites}


async def _free(session: AsyncSession, principal: Principal, given: set[UUID]) -> set[UUID]:
    """Site ids that may be kept: of who may read every record, those that no other service has."""
    if not given or not reads_every_record(principal):
        return set()
    taken = await session.scalars(
        sa.select(site_documents.c.site_id).where(
            site_documents.c.site_id == sa.any_(sa.literal(list(given), sa.ARRAY(sa.Uuid)))
        )
    )
    return given - set(taken)
