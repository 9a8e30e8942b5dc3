"""Request and response bodies for the closing endpoints."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from common.http import Strict
from pydantic import BaseModel, Field, StringConstraints

from reporting.protect.closings.progress import ClosingState, StepState
from reporting.protect.releases.schemas import Contributor


class CloseProgrammes(Strict):
    period: str = Field(
        max_length=10,
        description="A half month or a quarter that has ended: the programmes that close by it.",
        examples=["2026-11a"],
    )
    programmes: list[Annotated[str, StringConstraints(max_length=80)]] | None = Field(
        None,
        min_length=1,
        max_length=50,
        description="Absent: all that close by such a period.",
        examples=[["referrals", "unmet-needs"]],
    )


class StepView(BaseModel):
    programme: str
    title: dict[str, str]
    state: StepState
    release_id: UUID | None
    contributors: list[Contributor] | None = Field(
        description="Who signs off, for the IM role; for a contributor itself. Shown while it is a draft."
    )
    attempts: int = Field(description="How often the present task was begun.")
    problem: dict[str, Any] | None = Field(
        description="A problem detail, for the IM role: why the last task was not done."
    )
    changed_at: datetime


class Done(BaseModel):
    """The number of programmes in the closing, and the number done so far."""

    programmes: int
    closed: int = Field(description="Those that are published among them.")
    signed_off: int = Field(description="By all who contribute, or waived.")
    published: int


class ClosingView(BaseModel):
    id: UUID
    period: str
    period_start: date
    period_end: date
    state: ClosingState
    asked_at: datetime
    done: Done
    steps: list[StepView]
    possible_steps: list[str] | None = Field(
        None,
        description="Only when you read one closing: what you can do with its drafts now (sign_off, publish).",
    )
