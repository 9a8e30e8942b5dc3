"""Request and response bodies of the organisation routes."""

from datetime import datetime
from uuid import UUID

from common.http import Strict, Text
from pydantic import BaseModel, ConfigDict, Field

from gateway.issuer.rights import Aors


class NewOrganisation(Strict):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Fundación Puente", "aors": ["GBV", "CP"]}]}
    )

    id: UUID | None = Field(None, description="Its id in the directory; a new one if absent.")
    name: Text = Field(max_length=200)
    aors: Aors = Field(default_factory=list, description="AoRs that it is a member of.")


class OrganisationChange(Strict):
    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    name: Text | None = Field(None, max_length=200)
    active: bool | None = None
    aors: Aors | None = None


class Organisation(BaseModel):
    id: UUID
    name: str
    active: bool
    aors: list[str]
    created_at: datetime
