"""Turns a request body into its stored form: with ids, a reference to the organisation, and without derived parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from common.errors import INVALID, FieldError
from common.sight import states_of

from directory.errors import TOO_OPEN
from directory.ground.hsds.columns import areas_of
from directory.ground.hsds.given import Given
from directory.ground.hsds.identity import with_ids
from directory.ground.hsds.safety import dangers
from directory.ground.hsds.taxonomy import given_attributes
from directory.ground.hsds.visibility import objects_in

Document = dict[str, Any]


@dataclass(frozen=True)
class OwnIds:
    """New ids for the places and sites of one service, keyed by the sender's ids."""

    locations: Mapping[UUID, UUID] = field(default_factory=dict)
    sites: Mapping[UUID, UUID] = field(default_factory=dict)


def draft(given: Given, identity: UUID, organization_id: UUID, ids: OwnIds) -> Document:
    """Return the record's document. Raise 422 with pointers if it would reveal too much."""
    plain = _with_own_ids(given.document, ids)
    plain.pop("last_modified", None)  # the directory sets this date
    plain["organization_id"] = str(organization_id)
    plain = with_ids(_with_site_ids(plain, identity), identity)
    if "attributes" in plain:
        plain["attributes"] = given_attributes(plain)
    _check_not_too_open(plain)
    return plain


def _check_not_too_open(plain: Document) -> None:
    found = [FieldError(pointer, why, TOO_OPEN.code) for pointer, why in dangers(plain)]
    if found:
        raise TOO_OPEN.listing(found)


def _with_own_ids(plain: Document, ids: OwnIds) -> Document:
    """Replace the ids of sites and places with those that the directory assigns."""
    sites = []
    for given in plain.get("service_at_locations", []):
        site = dict(given)
        if "id" in site:
            site["id"] = _own(ids.sites, site["id"])
        if "location_id" in site:
            site["location_id"] = _own(ids.locations, site["location_id"])
        if "id" in site.get("location", {}):
            place = site["location"]
            site["location"] = {**place, "id": _own(ids.locations, place["id"])}
        sites.append(site)
    return {**plain, "service_at_locations": sites} if sites else dict(plain)


def _own(ids: Mapping[UUID, UUID], given: str) -> str:
    own = ids.get(UUID(given))
    return given if own is None else str(own)


def _with_site_ids(plain: Document, identity: UUID) -> Document:
    """Give each site without an id one that is derived from its location, so that sites can be reordered. If another
    site already has that id, include the position in the list in the derivation."""
    sites: dict[str, Document] = {}
    for index, site in enumerate(plain.get("service_at_locations", [])):
        place = site.get("location", {}).get("id") or site.get("location_id") or str(index)
        own = site.get("id") or str(uuid5(identity, f"site:{place}"))
        if own in sites:
            own = str(uuid5(identity, f"site:{own}:{index}"))
        sites[own] = {**site, "id": own}
    return {**plain, "service_at_locations": [*sites.values()]} if sites else plain


def locations_in(plain: Document) -> list[Document]:
    return [
        site["location"] for site in plain.get("service_at_locations", []) if "location" in site
    ]


def references_in(plain: Document) -> list[UUID]:
    """Return the locations that sites reference only by id."""
    return [
        UUID(site["location_id"])
        for site in plain.get("service_at_locations", [])
        if "location" not in site and site.get("location_id")
    ]


def with_locations(plain: Document, settled: Mapping[str, Document]) -> Document:
    """Put a copy of its location into every site. Raise 422 for a location that does not exist."""
    sites = []
    for index, site in enumerate(plain.get("service_at_locations", [])):
        key = site.get("location", {}).get("id") or site.get("location_id")
        if key is None:
            sites.append(site)
            continue
        if key not in settled:
            raise INVALID.because(
                "no_location_has_this_id", pointer=f"/service_at_locations/{index}/location_id"
            )
        own = {k: v for k, v in site.items() if k != "location_id"}
        sites.append({**own, "location": settled[key]})
    return {**plain, "service_at_locations": sites} if sites else plain


def states_in(plain: Document) -> list[str]:
    """Return the first-level areas where the service is located or works. Hidden areas count too, because they decide
    who may read the service. They are never shown."""
    return states_of(areas_of(plain))


def phones_in(plain: Any) -> list[str]:
    """Return the digits of every phone number. The last eight digits identify duplicates."""
    numbers = (str(each["number"]) for each in objects_in(plain) if "number" in each)
    digits = ("".join(filter(str.isdigit, number)) for number in numbers)
    return sorted({each[-8:] for each in digits if len(each) >= 6})
