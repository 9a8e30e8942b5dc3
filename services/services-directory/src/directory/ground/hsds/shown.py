"""HSDS objects as the directory shows them: the written fields, and those that the directory adds. Used only for the
API description; responses are stored bytes."""

from typing import Any, Generic, TypeVar
from uuid import UUID

from common.http import LINKED
from pydantic import BaseModel, ConfigDict, Field

from directory.ground.hsds.extensions import Aor
from directory.ground.hsds.schemas import (
    OrganizationDocument,
    ServiceAtLocation,
    ServiceDocument,
    TaxonomyDocument,
    TaxonomyTermDocument,
)

_GROWS = ConfigDict(extra="allow")
T = TypeVar("T", bound=BaseModel)


class ShownService(ServiceDocument):
    """A service (HSDS 3.2.3) as you may see it. Lists contain its one-to-one fields, or everything with `full=true`."""

    model_config = _GROWS

    id: UUID
    endorsed_by: list[Aor] = Field(
        default_factory=list, description="AoRs whose coordinator stands behind it."
    )
    referable: bool | None = Field(None, description="True: a referral may be sent to it now.")


class ShownSite(ServiceAtLocation):
    """A service at one of its locations (HSDS 3.2.3), with the service."""

    model_config = _GROWS

    id: UUID
    service: ShownService | None = Field(None, description="The service, without its sites.")


class ShownOrganization(OrganizationDocument):
    """An organisation (HSDS 3.2.3). With `full=true`, or when requested by id, it contains the services that you may
    see."""

    model_config = _GROWS

    id: UUID
    services: list[ShownService] = Field(
        default_factory=list, description="Its services that the caller sees."
    )


class ShownTaxonomy(TaxonomyDocument):
    """A taxonomy (HSDS 3.2.3)."""

    model_config = _GROWS

    id: UUID


class ShownTerm(TaxonomyTermDocument):
    """A term of a taxonomy (HSDS 3.2.3)."""

    model_config = _GROWS

    id: UUID


class PageOf(BaseModel, Generic[T]):
    model_config = ConfigDict(
        extra="allow", json_schema_extra={"description": "A page as HSDS has it."}
    )

    total_items: int = Field(description="How many there are, on all pages.")
    total_pages: int = Field(description="How many pages that makes.")
    page_number: int = Field(description="The number of this page, from 1.")
    size: int = Field(description="How many are on this page.")
    first_page: bool = Field(description="Nothing is before it.")
    last_page: bool = Field(description="Nothing is after it.")
    empty: bool = Field(description="Nothing is on it.")
    contents: list[T] = Field(description="The entries of this page.")


def one(kind: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that shows one object."""
    return {200: {"model": kind}}


def page_of(kind: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that lists objects."""
    page = PageOf[kind]  # type: ignore[valid-type]  # a class is made of a class, at run time
    return {200: {"model": page, "headers": dict(LINKED)}}
