"""Decides whether a document contains less than its record even at the highest level. Pure.

Sites at the level `pathway` show only the municipality, a stale entry counts as unverified, and a possible safe house
has no place (`record.houses`). Writing such a document back would erase the parts that it lacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.sight import PATHWAY

from directory.ground.hsds.status import UNVERIFIED
from directory.ground.hsds.visibility import level_of


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported service. `abridged`: the record contains more than this document. `sensitive`: the read is logged."""

    service_id: UUID
    document: dict[str, Any]
    abridged: bool
    sensitive: bool


def is_coarse(document: Mapping[str, Any]) -> bool:
    if document.get("functional_status", {}).get("reason") == UNVERIFIED["reason"]:
        return True
    own = level_of(dict(document))
    return any(
        _is_coarse_site(site, level_of(site, own))
        for site in document.get("service_at_locations", [])
    )


def _is_coarse_site(site: Mapping[str, Any], level: int) -> bool:
    location = site.get("location")
    if location is None or location.get("location_type") == "virtual":
        return False
    # The stored document contains only the visible parts of restricted sites.
    return level_of(location, level) == PATHWAY
