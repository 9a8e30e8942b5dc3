"""The four levels, and the precision of a place at each (OCHA sensitivity classes). public: the address · partners: the
address · pathway: the municipality (admin2) · restricted: the state (admin1), no coordinates, and nothing more exact is
stored."""

from collections.abc import Iterator
from typing import Any

from common.sight import LEVELS, NAMES, PATHWAY, PUBLIC, RESTRICTED
from common.words import codelists
from common.words.places import Places

# The most exact administrative level that a place may show, by its own visibility level. A level that is absent
# allows the exact place.
_PRECISION = {PATHWAY: 2, RESTRICTED: 1}

# Fields that could lead a person to the door. Virtual locations have no door.
_WAYS_TO_THE_DOOR = (
    "latitude",
    "longitude",
    "addresses",
    "name",
    "alternate_name",
    "description",
    "transportation",
    "url",
    "accessibility",
    "external_identifier",
    "external_identifier_type",
    "attributes",
    "metadata",
)
_NEVER_STORED = ("latitude", "longitude", "addresses", "transportation", "external_identifier")


def level_of(item: dict[str, Any], parent: int = PUBLIC) -> int:
    """Return the level from which `item` is visible: its own level, but at least that of its container."""
    own = item.get("visibility")
    return max(parent, LEVELS[own]) if own else parent


def levels_in(*items: Any) -> set[int]:
    """Return the levels at which a part of these documents first appears. Any other level shows the same as the level
    below it."""
    return {LEVELS[own] for each in objects_in(*items) if (own := each.get("visibility"))}


def objects_in(*items: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in these documents, at any depth."""
    inside = list(items)
    while inside:
        item = inside.pop()
        if isinstance(item, dict):
            yield item
            item = item.values()
        inside += [each for each in item if isinstance(each, dict | list)]


def seen_at(item: dict[str, Any], level: int, own: int) -> dict[str, Any]:
    """Return `item` without the parts that `level` may not see; `own` is the level of `item` itself."""
    seen: dict[str, Any] = {}
    for key, value in item.items():
        # Check texts first, because a document has a thousand members and is rendered at four levels.
        if value.__class__ is str:
            seen[key] = value
        elif isinstance(value, dict):
            seen[key] = seen_at(value, level, level_of(value, own))
        elif isinstance(value, list):
            seen[key] = _seen_of(value, level, own)
        else:
            seen[key] = value
    return seen


def _seen_of(items: list[Any], level: int, parent: int) -> list[Any]:
    seen: list[Any] = []
    for each in items:
        if isinstance(each, dict):
            own = level_of(each, parent)
            if own <= level:
                seen.append(seen_at(each, level, own))
        elif isinstance(each, list):
            seen.append(_seen_of(each, level, parent))
        else:
            seen.append(each)
    return seen


def coarse_location(location: dict[str, Any], own: int) -> dict[str, Any]:
    """Return a location as exact as its level `own` allows. A virtual location stays unchanged."""
    precision = _PRECISION.get(own)
    if precision is None or location.get("location_type") == "virtual":
        return location
    kept = {key: value for key, value in location.items() if key not in _WAYS_TO_THE_DOOR}
    if pcode := location.get("pcode"):
        kept["pcode"] = coarse_pcode(pcode, own)
        kept["name"] = Places.load().require(kept["pcode"]).name
    return kept


def coarse_pcode(pcode: str, own: int) -> str:
    """Return the area itself or, for pathway and restricted, the municipality or the state that contains it."""
    precision = _PRECISION.get(own)
    return pcode if precision is None else Places.load().at_most(pcode, precision)


def coarse_area(area: dict[str, Any], own: int) -> dict[str, Any] | None:
    """Return a service area as exact as `own` allows, without the drawn extent of a confidential area."""
    if own not in _PRECISION:
        return area
    if area.get("extent_type") != "pcode":
        return None
    pcode = coarse_pcode(str(area["extent"]), own)
    return {**area, "extent": pcode, "name": Places.load().require(pcode).name}


def unstorable(location: dict[str, Any], own: int) -> list[str]:
    """Return the members of a restricted location that must not be stored at all, so that no safe house is on disk."""
    if own < RESTRICTED or location.get("location_type") == "virtual":
        return []
    return [key for key in _NEVER_STORED if location.get(key) not in (None, [], "")]


def storable(location: dict[str, Any], own: int) -> dict[str, Any]:
    """Return the location in the form that may be stored. A restricted location keeps only its state."""
    if own < RESTRICTED or location.get("location_type") == "virtual":
        return location
    kept = {key: value for key, value in location.items() if key not in _NEVER_STORED}
    # Keep an unknown P-code: validation refuses it and gives the reason.
    if Places.load().is_known(pcode := str(location.get("pcode", ""))):
        kept["pcode"] = coarse_pcode(pcode, own)
    return kept


def without_unstorable(service: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the storable form of a service, and pointers to the parts left out of it."""
    own = level_of(service)
    sites: list[dict[str, Any]] = []
    removed: list[str] = []
    for index, site in enumerate(service.get("service_at_locations", [])):
        location = site.get("location")
        if location is None:
            sites.append(site)
            continue
        exact = level_of(location, level_of(site, own))
        pointer = f"/service_at_locations/{index}/location"
        removed += [f"{pointer}/{key}" for key in unstorable(location, exact)]
        sites.append({**site, "location": storable(location, exact)})
    return ({**service, "service_at_locations": sites} if sites else service), removed


def raised(service: dict[str, Any]) -> dict[str, Any]:
    """Return the service at the level that its categories require, or at its own level if that is higher."""
    known = codelists.categories()
    needed = max(
        (LEVELS[known[c].minimum_visibility] for c in service.get("categories", []) if c in known),
        default=PUBLIC,
    )
    return {**service, "visibility": NAMES[needed]} if level_of(service) < needed else service
