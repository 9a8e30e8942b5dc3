"""Removes all location details of a possible safe house. Pure.

Verified organisations see the rest: its name, activities, phones and municipality. Sentences that contain a street, or
words from an address or a place name, are left out. A confirmed house is shown as `restricted`: only its state.
"""

import re
from collections.abc import Collection
from typing import Any

from common.sight import NAMES, PARTNERS, PATHWAY, RESTRICTED
from common.words import codelists
from common.words.places import Places, folded

from directory.ground.hsds.safe_houses import street_words
from directory.ground.hsds.views import Document, Record
from directory.ground.hsds.visibility import coarse_area, coarse_location, level_of, objects_in

GONE = "…"
_SENTENCE = re.compile(r"(?<=[.;!?\n])\s+|\n|\s[–—|]\s")
_LINKS = ("url", "additional_urls", "email")
_LEFT = frozenset({
    "id", "visibility", "status", "organization_id", "categories", "attributes", "languages", "extent", "pcode",
    "number",
})  # fmt: skip
_OF_A_SITE = frozenset({"id", "phones", "contacts", "schedules", "visibility"})
_SHORTEST = 5
"""The shortest name of a place to look for in texts."""


def masked(record: Record, *, confirmed: bool = False) -> Record:
    """Return the record as readers see it before its review, or after a review confirmed that it is a safe house."""
    service, level = record.service, RESTRICTED if confirmed else PARTNERS
    told = _places_in(service)
    kept = {key: value for key, value in service.items() if key not in _LINKS}
    kept["visibility"] = NAMES[max(level, level_of(service))]
    own = max(PATHWAY, level)
    sites = service.get("service_at_locations", [])
    kept["service_at_locations"] = [_site(each, own, level) for each in sites]
    kept["service_areas"] = _areas(service, own)
    told -= {folded(service["name"]), folded(record.organization.get("name", ""))}
    shown: Document = _told(kept, told)
    if shown["name"] == GONE:
        known = codelists.categories()
        labels = [known[code].label_es for code in service.get("categories", []) if code in known]
        shown["name"] = next(iter(labels), GONE)
    return Record(shown, placeless(record.organization, told))


def placeless(organization: Document, told: Collection[str] = ()) -> Document:
    """Return an organisation without its places, and without sentences about them or about places in `told`."""
    said = {*told, *_places_in(organization)} - {folded(organization.get("name", ""))}
    kept = {key: value for key, value in organization.items() if key != "locations"}
    after: Document = _told(kept, said)
    return after


def _site(site: Document, own: int, level: int) -> Document:
    kept: Document = {key: value for key, value in site.items() if key in _OF_A_SITE}
    kept["service_areas"] = _areas(site, own)
    if location := site.get("location"):
        coarse = coarse_location(location, max(own, level_of(location)))
        kept["location"] = {**coarse, "visibility": NAMES[max(level, level_of(location))]}
    return kept


def _areas(item: Document, own: int) -> list[Document]:
    return [area for each in item.get("service_areas", []) if (area := coarse_area(each, own))]


def _places_in(item: Any) -> set[str]:
    """Return place names and address lines, folded."""
    found: set[str] = set()
    for each in objects_in(item.get("service_at_locations", []), item.get("locations", [])):
        said = [each.get(key) for key in ("address_1", "address_2")]
        named = each.get("name") if "location_type" in each else None
        said += [named] if named and not Places.load().named(named) else []
        found |= {text for one in said if len(text := folded(str(one or ""))) >= _SHORTEST}
    return found


def _told(item: Any, told: Collection[str]) -> Any:
    """Return the item without sentences that name a place; areas keep their names."""
    if isinstance(item, list):
        return [_told(each, told) for each in item]
    if isinstance(item, str):
        return without_place(item, told)
    if not isinstance(item, dict):
        return item
    left = _LEFT | {"name"} if "extent" in item or "pcode" in item else _LEFT
    return {key: value if key in left else _told(value, told) for key, value in item.items()}


def without_place(text: str, told: Collection[str] = ()) -> str:
    """Return the text without sentences that name a place."""
    parts = [each for each in _SENTENCE.split(text) if each and each.strip()]
    kept = [GONE if _says_where(each, told) else each.strip() for each in parts]
    return text if GONE not in kept else " ".join(dict.fromkeys(kept))


def _says_where(text: str, told: Collection[str]) -> bool:
    plain = f" {folded(text)} "
    return any(f" {each} " in plain for each in told) or any(
        f" {each} " in plain for each in street_words()
    )
