"""Bodies of successions."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from common.http import Strict
from pydantic import AliasChoices, ConfigDict, Field, model_validator

from directory.ground.hsds.extensions import PCode
from directory.ground.old_spelling import OfOrganisation, takes_old_spelling

Kind = Literal["ended", "merged", "split"]


class NewSuccession(Strict):
    """A request that names the organisation that takes over from another one. The cases of an organisation that ends or
    merges are offered to its successor."""

    model_config = ConfigDict(json_schema_extra=takes_old_spelling)

    organisation_id: UUID = Field(
        validation_alias=AliasChoices("organisation_id", "organization_id"),
        description="The organisation that ends or gives work away.",
    )
    successor_id: UUID = Field(description="The organisation that takes over.")
    kind: Kind = Field(
        description="`ended`: its services are withdrawn. `merged`: all of them become the successor's. `split`: the"
        " organisation goes on without the services and the cases that are named here."
    )
    service_ids: list[UUID] = Field([], max_length=1000, description="Of a split: the services.")
    areas: list[PCode] = Field(
        [], max_length=400, description="Of a split: P-codes in which the cases follow."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind == "split") != bool(self.service_ids or self.areas):
            raise ValueError("a split, and nothing else, names service_ids or areas")
        if self.organisation_id == self.successor_id:
            raise ValueError("an organisation does not succeed itself")
        return self


class Succession(OfOrganisation):
    """An organisation takes over from another, or may do so once a second person confirms."""

    id: UUID
    successor_id: UUID = Field(description="The organisation that takes over.")
    kind: Kind
    service_ids: list[UUID] = Field(
        description="Of a split: those of the services that you may see."
    )
    areas: list[str]
    status: Literal["proposed", "confirmed", "refused"]
    proposed_by: str = Field(description="The person who proposed it.")
    proposed_at: datetime = Field(description="When it was proposed.")
    decided_by: str | None
    decided_at: datetime | None
