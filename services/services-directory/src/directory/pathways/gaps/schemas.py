"""Bodies of the gap endpoints."""

from datetime import date
from typing import Annotated, Literal

from common.http import Strict
from pydantic import BaseModel, Field

from directory.ground.hsds.extensions import AorCode
from directory.pathways.definition.profile import PLACE
from directory.pathways.schemas import Said

Group = Literal["child", "woman", "man", "other"]


class RowOut(BaseModel):
    area: str
    need: str
    group: str
    coverage: str = Field(
        description="The best state of any service, none, or not_shown (confidential need)."
    )
    gap: bool
    services: dict[str, int] = Field(
        description="Services by state: referable, waitlist, late (no call, visit or referral is in time"
        " where the need is most urgent), full, stale, unendorsed, suspended"
        " (or out of season), planned, lost (existed before the crisis, now closed), closed; states without one are"
        " left out. A service of a wider area counts in each of its parts."
    )
    people: int | None = None


class OpenStepOut(BaseModel):
    """A step of a published pathway without a referable service in the area."""

    area: str
    aor: AorCode
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
    areas: dict[str, str] = Field(description="Names of the areas by P-code.")
    needs: dict[str, Said] = Field(description="Labels of the needs by category code.")
    items: list[RowOut]
    open_steps: list[OpenStepOut]
    weighted: list[WeightedOut]


class PopulationRow(Strict):
    area: Annotated[str, Field(pattern=PLACE)]
    group: Group
    people: Annotated[int, Field(strict=True, ge=0, le=2_000_000_000)]


class Population(Strict):
    """A request that replaces the population of the given areas and groups."""

    source: Annotated[str, Field(min_length=3, max_length=200)]
    rows: Annotated[list[PopulationRow], Field(min_length=1, max_length=5000)]


class PopulationImported(BaseModel):
    rows: int
