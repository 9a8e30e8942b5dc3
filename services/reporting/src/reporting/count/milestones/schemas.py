"""Request and response bodies for the milestone endpoints."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from common.http import Strict
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from reporting.count.activities.indicators import BY_CODE
from reporting.count.context.schemas import InLanguages, Told
from reporting.count.milestones.plan import Status


def _indicator(code: str) -> str:
    if code not in BY_CODE:
        raise ValueError(f"one of {', '.join(BY_CODE)}")
    return code


class MilestoneBody(Strict):
    """A work-plan step."""

    plan: Annotated[str, StringConstraints(min_length=1, max_length=60)] = Field(
        examples=["2027"], description="As of the targets."
    )
    what: Told = Field(description="What is there when it is done. Numbers are targets.")
    responsible: InLanguages | None = Field(
        None, description="The institution, never a person; or give `organisation_id`."
    )
    organisation_id: UUID | None = Field(
        None, description="Of the directory, which says its name to those who may see it."
    )
    due: Annotated[str, StringConstraints(pattern=r"^[2-9]\d{3}-Q[1-4]$")] = Field(
        description="The quarter.", examples=["2027-Q1"]
    )
    indicator: Annotated[str, AfterValidator(_indicator)] | None = Field(
        None, description="Of the allow-list: the one that it serves.", examples=["people-trained"]
    )
    status: Status = "planned"
    reason: Told | None = Field(None, description="Why it was dropped; then, and only then.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.responsible is None) == (self.organisation_id is None):
            raise ValueError("give responsible or organisation_id, one of them")
        if (self.status == "dropped") != (self.reason is not None):
            raise ValueError("what is dropped has a reason, and nothing else has one")
        return self


class MilestoneView(BaseModel):
    id: UUID
    version: int
    plan: str
    what: Told
    responsible: InLanguages | None
    organisation_id: UUID | None = Field(description="For those who prepare reports.")
    due: str
    last_day: date
    indicator: str | None
    status: Status
    status_label: dict[str, str]
    reason: Told | None
    late: bool = Field(description="Its quarter has ended, and it is neither done nor dropped.")
    changed_at: datetime
