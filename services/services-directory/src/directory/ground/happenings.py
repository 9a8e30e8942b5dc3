"""Happenings in the directory that other capabilities handle in the same transaction (see common/happenings.py).
`followers_service` lists the handlers and their order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.auth import Principal


@dataclass(frozen=True)
class OrganizationChanged:
    """The organisation's record has a new document."""

    organization_id: UUID


@dataclass(frozen=True)
class PlacesChanged:
    """Places changed. `documents` contains the new documents by id. The caller may publish all services at these
    places."""

    documents: Mapping[str, dict[str, Any]]
    caller: Principal


@dataclass(frozen=True)
class PlaceCopied:
    """A place of the published service changed from `before` to `after`. Its documents are about to be stored.
    `approved_for` contains the areas of responsibility of the person who changed the place and may publish the
    service."""

    service_id: UUID
    before: dict[str, Any]
    after: dict[str, Any]
    approved_for: Collection[str]


@dataclass(frozen=True)
class EndorsementsChanged:
    """Somebody gave or withdrew an endorsement of the service."""

    service_id: UUID


@dataclass(frozen=True)
class DocumentsStored:
    """The documents of these services were rendered. Those that differed were stored."""

    service_ids: Sequence[UUID]


@dataclass(frozen=True)
class CapacityTold:
    """The organisation reported the service's capacity, changed or not."""

    service_id: UUID


@dataclass(frozen=True)
class GapsMet:
    """A plan found gaps, each with its P-code, need and group."""

    gaps: Sequence[tuple[str, str, str]]
