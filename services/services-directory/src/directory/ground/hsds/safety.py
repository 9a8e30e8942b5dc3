"""Refuses entries that would reveal more than is safe, before any part of them is stored."""

from collections.abc import Iterator
from typing import Any

from common.sight import LEVELS, NAMES
from common.words import codelists

from directory.ground.hsds.visibility import level_of, unstorable


def dangers(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (JSON pointer, reason) for each location that is too open or too exact. A shelter may have an open intake
    point only if that point is virtual."""
    own = level_of(service)
    needed = max(
        (
            LEVELS[codelists.categories()[c].minimum_visibility]
            for c in service.get("categories", [])
        ),
        default=0,
    )
    for index, site in enumerate(service.get("service_at_locations", [])):
        location = site.get("location")
        if not location or location.get("location_type") == "virtual":
            continue
        pointer = f"/service_at_locations/{index}/location"
        exact = level_of(location, level_of(site, own))
        if exact < needed:
            yield (
                f"{pointer}/visibility",
                f"places of this category are never shown below '{NAMES[needed]}'",
            )
        for key in unstorable(location, exact):
            yield f"{pointer}/{key}", "of a restricted place only the state (pcode) is kept"
