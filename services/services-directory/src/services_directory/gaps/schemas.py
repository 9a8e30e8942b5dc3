"""Bodies of the gap endpoints."""

from datetime import date
from typing import Annotated, Literal

from common.web import Strict
from pydantic import BaseModel, Field

from services_directory.pathways.profile import PLACE
from services_directory.pathways.schemas import Said

Group = Literal["child", "woman", "man", "other"]


class CountsOut(BaseModel):
    """Services by state; a service of a wider area counts in each of its parts."""

    referable: int
    waitlist: int
    full: int
    stale: int
    unendorsed: int
    suspended: int
    planned: int
    lost: int = Field(description="Existed before the crisis and is closed.")
    closed: int


class RowOut(BaseModel):
    area: str
    name: str
    need: str
    label: Said
    group: str
    coverage: str = Field(
        description="The best state of any service, none, or not_shown (confidential need)."
    )
    gap: bool
    services: CountsOut
    people: int | None = None


class OpenStepOut(BaseModel):
    """A step of a published pathway without any referable service in the area."""

    area: str
    aor: str
    version: str
    step: str
    need: str


class WeightedOut(BaseModel):
    need: str
    people: int
    without_service: int


class Gaps(BaseModel):
    as_of: date
    area: str
    level: int
    items: list[RowOut]
    open_steps: list[OpenStepOut]
    weighted: list[WeightedOut]


class PopulationRow(Strict):
    area: Annotated[str, Field(pattern=PLACE)]
    group: Group
    people: Annotated[int, Field(strict=True, ge=0, le=2_000_000_000)]


class Population(Strict):
    """Replaces the people of the given areas and groups."""

    source: Annotated[str, Field(min_length=3, max_length=200)]
    rows: Annotated[list[PopulationRow], Field(min_length=1, max_length=5000)]


class PopulationImported(BaseModel):
    rows: int
