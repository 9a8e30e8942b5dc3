"""Ids that a caller brings along.

If a free id were taken and a taken one turned away, an id would tell whether something hidden stands
under it. So the directory gives the ids: one that is brought along means an entry of the caller's
own organisation, under an id made from both, unless it is an entry whose record the caller may
read. The answer is the same whether the brought id is free or hidden. Only who may read every
record keeps new ids: from that caller nothing is hidden.
"""

from collections.abc import Collection
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
    """As `own_ids_of`, with what has to be asked for."""
    had_places, had_sites = _had(before)
    new_places = places_given(document) - had_places
    readable = set(await places.editable(session, principal, new_places)) if new_places else set()
    new_sites = _sites_given(document) - had_sites
    asked = new_sites if reads_every_record(principal) else set()
    standing = await taken_sites(session, asked) if asked else set()
    return own_ids_of(principal, document, service_id, before, readable, standing)


def own_ids_of(
    principal: Principal,
    document: ServiceDocument,
    service_id: UUID,
    before: dict[str, Any] | None,
    readable: Collection[UUID],
    standing: Collection[UUID],
) -> OwnIds:
    """A place keeps its id if the caller may read its record, a site if it is this service's; so
    does all that the service had before. Who may read every record keeps what no other has."""
    had_places, had_sites = _had(before)
    new_places = places_given(document) - had_places
    new_sites = _sites_given(document) - had_sites
    kept = new_sites - set(standing) if reads_every_record(principal) else set()
    return OwnIds(
        {each: own_id(principal, each) for each in new_places - set(readable)},
        {each: uuid5(service_id, str(each)) for each in new_sites - kept},
    )


def places_given(document: ServiceDocument) -> set[UUID]:
    """Ids of the places that the document brings or names."""
    return {
        each
        for site in document.service_at_locations or []
        if (each := site.location.id if site.location else site.location_id)
    }


def _sites_given(document: ServiceDocument) -> set[UUID]:
    return {site.id for site in document.service_at_locations or [] if site.id}


def _had(before: dict[str, Any] | None) -> tuple[set[UUID], set[UUID]]:
    """(places, sites) of the record."""
    sites = (before or {}).get("service_at_locations", [])
    named = {UUID(site["location"]["id"]) for site in sites if "location" in site}
    return named, {UUID(site["id"]) for site in sites}


async def taken_sites(session: AsyncSession, given: Collection[UUID]) -> set[UUID]:
    """Those of the site ids that a service has."""
    taken = await session.scalars(
        sa.select(site_documents.c.site_id).where(
            site_documents.c.site_id == sa.any_(sa.literal(list(given), sa.ARRAY(sa.Uuid)))
        )
    )
    return set(taken)
