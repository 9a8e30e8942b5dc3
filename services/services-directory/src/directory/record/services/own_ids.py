"""Decides which ids of places and sites in a document the directory keeps (see entries/ids.py)."""

from collections.abc import Collection
from typing import Any
from uuid import UUID, uuid5

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.ids import own_id
from directory.ground.entries.states import reads_every_record
from directory.ground.hsds.given import Given
from directory.record.documents.queries import taken_sites
from directory.record.locations import service as places
from directory.record.services.drafts import OwnIds


async def own_ids(
    session: AsyncSession,
    caller: Principal,
    document: Given,
    service_id: UUID,
    before: dict[str, Any] | None,
    waiting: Collection[UUID] = (),
) -> OwnIds:
    """Return new ids for the places and sites whose id the sender may not use.

    A place keeps its id if the caller may read its record; a site keeps its id if it already belongs to this service. A
    caller who reads every record may choose new site ids. These must not be used by any service or by the sites about
    to be stored (`waiting`).
    """
    had_places, had_sites = _had(before)
    new_places = document.places - had_places
    new_sites = document.sites - had_sites
    readable = await places.editable(session, caller, new_places)
    kept: set[UUID] = set()
    if new_sites and reads_every_record(caller):
        kept = new_sites - await taken_sites(session, new_sites) - set(waiting)
    return OwnIds(
        {each: own_id(caller, each) for each in new_places - readable.keys()},
        {each: uuid5(service_id, str(each)) for each in new_sites - kept},
    )


def _had(before: dict[str, Any] | None) -> tuple[set[UUID], set[UUID]]:
    """Return the ids of the places and of the sites in the record."""
    sites = (before or {}).get("service_at_locations", [])
    named = {UUID(site["location"]["id"]) for site in sites if "location" in site}
    return named, {UUID(site["id"]) for site in sites}
