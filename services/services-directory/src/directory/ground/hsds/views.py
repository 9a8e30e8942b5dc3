"""Renders the document of a service, a site or an organisation at one level. It removes everything that the level may
not see, before indexing. Search vectors, coordinates, facets and hashes come only from the result."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from directory.ground.hsds import taxonomy
from directory.ground.hsds.base import without_empty
from directory.ground.hsds.status import with_status
from directory.ground.hsds.visibility import (
    coarse_area,
    coarse_location,
    level_of,
    seen_at,
)

Document = dict[str, Any]

_ORGANIZATION_BASIC = (
    "id", "name", "alternate_name", "description", "email", "website", "tax_status", "tax_id",
    "year_incorporated", "legal_status", "logo", "uri", "parent_organization_id",
)  # fmt: skip
_SERVICE_MANY = frozenset({
    "additional_urls", "phones", "schedules", "service_areas", "service_at_locations", "languages",
    "organization", "funding", "cost_options", "program", "required_documents", "contacts",
    "capacities", "attributes", "metadata", "translations",
})  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Facts about a service outside its own document. `stale` means that its verification has expired."""

    endorsed_by: tuple[str, ...] = ()
    stale: bool = False
    referable: bool = False


@dataclass(frozen=True)
class Record:
    """A service with its organisation and the locations of its sites."""

    service: Document
    organization: Document


def render_service(record: Record, level: int, facts: Facts) -> Document | None:
    """Return the full HSDS service as `level` sees it, or None if `level` may not know about the service."""
    own = level_of(record.service)
    if own > level:
        return None
    service = with_status(record.service, stale=facts.stale)
    shown = seen_at(service, level, own)
    shown["service_areas"] = _areas(service.get("service_areas", []), own)
    shown["service_at_locations"] = _sites(service, level, own)
    shown["attributes"] = [
        *taxonomy.attributes_of(service),
        *shown.get("attributes", []),
    ]
    organization = render_organization(record.organization, level)
    shown.pop("organization_id", None)
    if organization is not None:
        shown["organization"] = organization
    if own > 0:
        shown["visibility"] = service["visibility"]
    else:
        shown.pop("visibility", None)
    if facts.referable:
        shown["referable"] = True
    shown["endorsed_by"] = list(facts.endorsed_by)
    return without_empty(shown)


def _areas(areas: list[Document], own: int) -> list[Document]:
    return [shown for area in areas if (shown := coarse_area(area, own)) is not None]


def _sites(service: Document, level: int, own: int) -> list[Document]:
    sites: list[Document] = []
    for site in service.get("service_at_locations", []):
        exact = level_of(site, own)
        location = site.get("location")
        if location is not None:
            exact = level_of(location, exact)
        if exact > level:
            continue
        shown = seen_at(site, level, level_of(site, own))
        for link in ("location_id", "service_id"):
            shown.pop(link, None)
        shown["service_areas"] = _areas(site.get("service_areas", []), exact)
        if location is not None:
            shown["location"] = render_location(location, level, exact)
        sites.append(shown)
    return sites


def render_location(location: Document, level: int, own: int) -> Document:
    """Return a location that `level` may see. It is as exact as the location's level `own` allows."""
    shown = coarse_location(seen_at(location, level, own), own)
    shown.pop("organization_id", None)
    if location.get("visibility") in (None, "public"):
        shown.pop("visibility", None)
    return shown


def render_organization(organization: Document, level: int) -> Document | None:
    """Return the organisation without its services, which differ by caller, or None."""
    own = level_of(organization)
    if own > level:
        return None
    shown = seen_at(organization, level, own)
    shown["locations"] = [
        render_location(location, level, level_of(location, own))
        for location in organization.get("locations", [])
        if level_of(location, own) <= level
    ]
    if own == 0:
        shown.pop("visibility", None)
    return without_empty(shown)


def named_alone(organization: Document) -> Document:
    """Return only the name of a suspended organisation, which also serves as the description that HSDS requires.
    Existing referrals still show the name to other organisations, but nothing reveals its location."""
    name = organization["name"]
    return {"id": organization["id"], "name": name, "description": name}


def listed_service(full: Document) -> Document:
    """Return the list form: one-to-one fields, the organisation's own fields, the program."""
    listed = {key: value for key, value in full.items() if key not in _SERVICE_MANY}
    if organization := full.get("organization"):
        listed["organization"] = listed_organization(organization)
    if program := full.get("program"):
        listed["program"] = _scalars(program)
    return listed


def listed_organization(organization: Document) -> Document:
    return {key: organization[key] for key in _ORGANIZATION_BASIC if key in organization}


def _scalars(item: Document) -> Document:
    return {key: value for key, value in item.items() if not isinstance(value, dict | list)}


def digest(document: Document) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
