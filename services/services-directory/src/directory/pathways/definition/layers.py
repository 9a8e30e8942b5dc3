"""The published versions that make up a pathway in an area, widest first."""

from dataclasses import dataclass
from uuid import UUID

from common.words.places import Places

from directory.pathways.definition.graph import Pathway


@dataclass(frozen=True, slots=True)
class Layer:
    """The published version of one AoR's pathway for one area."""

    pathway_id: UUID
    aor: str
    area: str
    number: int


@dataclass(frozen=True, slots=True)
class InForce:
    """One AoR's effective pathway. `layers` is empty while only the shipped proposal exists."""

    pathway: Pathway
    layers: tuple[Layer, ...]

    @property
    def version(self) -> str:
        """Return the versions of all layers, widest first: "VE:3 VE23:1", or "proposal"."""
        return " ".join(f"{each.area}:{each.number}" for each in self.layers) or "proposal"


def lineage(area: str) -> tuple[str, ...]:
    """Return the area and every area that contains it, widest first."""
    return (*reversed(Places.load().ancestors(area)), area)
