"""The query parameters of organisations."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from directory.ground.reading.parameters import PageQuery


class OrganizationQuery(PageQuery):
    taxonomy_term_id: UUID | None = None
    taxonomy_id: UUID | None = None
    full: bool = False
    full_service: bool = False


class OneOrganizationQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    full_service: bool = False
