"""Bodies of profile sets."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from common.http import Strict
from pydantic import BaseModel, Field, StringConstraints, model_validator

from directory.ground.hsds.extensions import AorCode
from directory.pathways.definition.profile import Aor, Profile
from directory.pathways.schemas import SIMULATION_LIMIT


class ProfileSetIn(Strict):
    """Profiles of fictitious people for testing drafts. You cannot edit a set: delete it and create another."""

    aor: Aor
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)] = (
        Field(description="What the set is called: no person's name.")
    )
    profiles: Annotated[list[Profile], Field(min_length=1, max_length=SIMULATION_LIMIT)]

    @model_validator(mode="after")
    def _excludes_nobody(self) -> Self:
        if any(profile.exclude_organisations for profile in self.profiles):
            raise ValueError(
                "leave out exclude_organisations: it is for one question and never kept"
            )
        return self


class ProfileSetOut(BaseModel):
    id: UUID
    aor: AorCode
    name: str
    profiles: list[dict[str, Any]] = Field(description="Each a `Profile`.")
    written_by: str
    written_at: datetime


class ProfileSets(BaseModel):
    items: list[ProfileSetOut]
