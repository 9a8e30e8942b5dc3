"""What happens in the directory and has to be followed elsewhere, in the same transaction: see
common/happenings.py. `followers_service` says who follows, in which order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.auth import Principal


@dataclass(frozen=True)
class OrganizationChanged:
    """The document of its record is another one from this transaction on."""

    organization_id: UUID


@dataclass(frozen=True)
class PlacesChanged:
    """Their documents, by id, by whoever may publish all services at them."""

    documents: Mapping[str, dict[str, Any]]
    caller: Principal


@dataclass(frozen=True)
class PlaceCopied:
    """What is published of the service has another form of one of its places, from `before` to `after`; its documents
    are about to be stored. `approved_for`: the areas of responsibility of whoever may publish it and changed the place."""

    service_id: UUID
    before: dict[str, Any]
    after: dict[str, Any]
    approved_for: Collection[str]


@dataclass(frozen=True)
class EndorsementsChanged:
    """An area of responsibility stands behind the service from now on, or no longer does."""

    service_id: UUID


@dataclass(frozen=True)
class DocumentsStored:
    """The stored documents of these services were looked at, and written where they differed."""

    service_ids: Sequence[UUID]


@dataclass(frozen=True)
class CapacityTold:
    """Its organisation said how much room the service has, whether or not that is news."""

    service_id: UUID


@dataclass(frozen=True)
class GapsMet:
    """Somebody asked and nothing fitted: P-code, need and group of each gap."""

    gaps: Sequence[tuple[str, str, str]]
