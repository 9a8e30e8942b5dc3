"""Request and response bodies for assistance."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from common.http import Strict
from common.words.codelists import categories
from pydantic import AfterValidator, BaseModel, Field, model_validator

from referrals.case.entries.schemas import EntryView
from referrals.ground.vocabulary.ages import Assent, Decider
from referrals.ground.vocabulary.fields import AorCode, PlaceCode
from referrals.screening.assistance.codes import codes

_EARLIEST, _LATEST = date(2000, 1, 1), date(2099, 12, 31)
Note = Annotated[str, Field(min_length=1, max_length=4000)]


def _one_of(wanted: str) -> AfterValidator:
    def check(code: str) -> str:
        if code not in codes(wanted):
            raise ValueError(f"unknown {wanted}; allowed: {', '.join(codes(wanted))}")
        return code

    return AfterValidator(check)


def _known_need(code: str) -> str:
    if code not in categories():
        raise ValueError("not a known service category")
    return code


def _plausible(day: date) -> date:
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError("not a plausible date")
    return day


SupportType = Annotated[str, Field(max_length=60), _one_of("support_type")]
AmountBand = Annotated[str, Field(max_length=20), _one_of("amount_band")]
RouteMode = Annotated[str, Field(max_length=20), _one_of("route_mode")]
Need = Annotated[str, Field(max_length=40), AfterValidator(_known_need)]
Day = Annotated[date, AfterValidator(_plausible)]


class NewPlanItem(Strict):
    """A need in the case plan. The default `support_type` is the usual one for the need's category."""

    need: Need
    support_type: SupportType | None = None
    pathway_id: UUID | None = Field(None, description="The pathway that the need comes from.")
    step: str | None = Field(None, max_length=80)
    planned_end: Day | None = None
    objective: Note | None = None

    @property
    def type(self) -> str:
        return self.support_type or categories()[self.need].support_type


PlanStatus = Literal["planned", "in_progress", "met", "dropped"]


class PlanChange(Strict):
    status: PlanStatus
    reason: Literal["person_ended", "not_available", "not_needed", "moved", "other"] | None = None

    @model_validator(mode="after")
    def _reason(self) -> "PlanChange":
        if (self.status == "dropped") != (self.reason is not None):
            raise ValueError("a dropped need has a reason, and only a dropped one")
        return self


class PlanEdit(Strict):
    """New values for a planned need."""

    objective: Note | None = None
    planned_end: Day | None = None
    expected_version: int = Field(
        ge=1, description="The version that you read; 409 if somebody changed it since."
    )


class PlanItemView(BaseModel):
    id: UUID
    need: str
    support_type: str
    status: PlanStatus
    pathway_id: UUID | None
    step: str | None
    planned_end: date | None
    ended_on: date | None
    reason: str | None
    objective: str | None
    version: int
    created_at: datetime
    assistance_count: int = 0


class CaseProfile(BaseModel):
    """A request body for `/directory/v1/pathways/resolve`: codes and numbers, no identity. Add the person's current
    answers (situations, hours, danger); they are not stored."""

    area: str | None = Field(None, description="Absent: ask where the person is.")
    age: int | None = None
    sex: str | None = None
    populations: list[str] | None = None
    languages: list[str] | None = None
    nationality: str | None = Field(None, description="ISO 3166-1 alpha-3.")
    needs: list[str] | None = Field(None, description="What the plan still foresees.")


class Suggestion(BaseModel):
    """A need from a published pathway for the case's area that the plan does not contain."""

    pathway_id: UUID
    aor: AorCode
    step: str
    need: str
    support_type: str


class NewAssistance(Strict):
    """Help that was given. Amounts are stored as bands, never as exact sums."""

    support_type: SupportType
    given_on: Day
    plan_item_id: UUID | None = None
    referral_id: UUID | None = None
    provider_organisation: UUID | None = Field(None, description="Absent: your own organisation.")
    amount_band: AmountBand | None = None
    modality: Literal["cash", "voucher"] | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _both(self) -> "NewAssistance":
        if (self.amount_band is None) != (self.modality is None):
            raise ValueError("an amount has a band and a modality")
        return self


class AssistanceView(BaseModel):
    id: UUID
    case_id: UUID
    support_type: str
    given_on: date
    plan_item_id: UUID | None
    referral_id: UUID | None
    provider_organisation: UUID
    amount_band: str | None
    modality: str | None
    note: str | None
    created_at: datetime
    entered_in_error_at: datetime | None


class NewReview(Strict):
    due_on: Day


class ReviewDone(Strict):
    outcome: Literal["continue", "change_plan", "ready_to_close", "not_reached"]
    next_due_on: Day | None = None
    note: Note | None = None


class ReviewView(BaseModel):
    id: UUID
    case_id: UUID
    due_on: date
    done_on: date | None
    outcome: (
        Literal["continue", "change_plan", "ready_to_close", "not_reached", "case_closed"] | None
    )
    note: str | None = None


class Route(Strict):
    """A route of areas only: no address, no name. `statistics`: the person agrees that statistics count the route."""

    origin: PlaceCode | None = None
    transit: list[PlaceCode] = Field([], max_length=10)
    destination: PlaceCode | None = None
    modes: list[RouteMode] = Field([], max_length=7)
    statistics: bool = False

    @model_validator(mode="after")
    def _something(self) -> "Route":
        if not (self.origin or self.transit or self.destination):
            raise ValueError("name at least one area")
        return self


class TimelineEntry(BaseModel):
    at: datetime
    action: str
    target_type: str
    target_id: UUID
    by: str
    detail: dict[str, object]


class Overview(BaseModel):
    """The first page that the case's holder sees."""

    risk: EntryView | None = Field(description="The latest risk level; absent if none was set.")
    plan: list[PlanItemView]
    entries: list[EntryView]
    timeline: list[TimelineEntry] = Field(description="What was done, oldest first.")


class SupervisionRow(BaseModel):
    """A case for supervision. `reasons`: why a supervisor should look at it."""

    case_id: UUID
    reference: str
    reasons: list[str]


class MatchConsentBody(Strict):
    """The person's consent to compare a keyed digest with the digests of other organisations."""

    decided_by: Decider
    child_assent: Assent | None = None
    method: Literal["signed", "verbal"]


class MatchConsentView(BaseModel):
    case_id: UUID
    comparable: bool = Field(description="False: the case holds too little to be compared.")
    given_at: datetime


class MatchView(BaseModel):
    """A match. Until both people consent, it reveals only that a duplicate may exist."""

    id: UUID
    case_id: UUID
    status: Literal["possible", "agreed", "ended"]
    you_agreed: bool
    other_organisation: UUID | None
    other_reference: str | None
    created_at: datetime
