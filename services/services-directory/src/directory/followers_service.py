"""Registers the handlers of each directory happening, in order. Wiring only."""

from common.happenings import declare

from directory.curation import handlers as curation
from directory.files.imports import handlers as imports
from directory.ground.happenings import (
    CapacityTold,
    DocumentsStored,
    EndorsementsChanged,
    GapsMet,
    OrganizationChanged,
    PlaceCopied,
    PlacesChanged,
)
from directory.pathways.gaps import handlers as gaps
from directory.record.documents import handlers as documents


def declare_followers() -> None:
    declare(OrganizationChanged, documents.organization_changed)
    declare(PlacesChanged, documents.places_changed)
    declare(PlaceCopied, documents.place_copied)
    declare(EndorsementsChanged, documents.endorsements_changed)
    declare(
        DocumentsStored, gaps.documents_stored, curation.documents_stored, imports.documents_stored
    )
    declare(CapacityTold, curation.capacity_told)
    declare(GapsMet, gaps.gaps_met)
