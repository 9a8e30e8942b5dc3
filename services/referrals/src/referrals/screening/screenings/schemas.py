"""Request and response bodies for screening."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from common.events.codes import Urgency
from common.http import Strict
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.disclosure import Item
from referrals.ground.vocabulary.fields import Category, PlaceCode, UrgencyCode
from referrals.referral.referrals.schemas import Moment, Payload, ReferralView, SafeContact
from referrals.screening.screenings.answers import MAX_TEXT
from referrals.screening.screenings.instrument import Instrument, Labels
from referrals.screening.screenings.shipped import exploitation_types, judgements

MOST_ANSWERS = 500


def _known_judgement(code: str) -> str:
    if code not in judgements():
        raise ValueError(f"one of: {', '.join(judgements())}")
    return code


def _known_type(code: str) -> str:
    if code not in exploitation_types():
        raise ValueError(f"one of: {', '.join(exploitation_types())}")
    return code


Judgement = Annotated[str, Field(max_length=60), AfterValidator(_known_judgement)]
ExploitationType = Annotated[str, Field(max_length=60), AfterValidator(_known_type)]
# Validated against the instrument, not only by type, so that error messages can name the question (answers.py).
AnswerValue = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": MAX_TEXT},
                {"type": "number"},
                {"type": "array", "items": {"type": "string"}},
            ]
        }
    ),
]
Answers = Annotated[
    dict[Annotated[str, Field(max_length=80)], AnswerValue], Field(max_length=MOST_ANSWERS)
]
Rationale = Annotated[str, Field(min_length=10, max_length=4_000)]
Holder = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9@._:\-]+$")]


class InstrumentSummary(BaseModel):
    id: UUID
    code: str
    version: str
    title: Labels
    shipped: bool
    shared: bool
    organisation_id: UUID | None
    retired: bool
    questions: int


class InstrumentDetail(InstrumentSummary):
    """An instrument. `instrument` contains the questions in order, with conditions in XLSForm's notation."""

    instrument: Instrument


class Upload(BaseModel):
    """The result of an upload; a `dry_run` stores nothing."""

    id: UUID | None
    dry_run: bool
    instrument: Instrument


class Nothing(Strict):
    pass


class NewScreening(Strict):
    """A new screening. Safety and consent are the first two answers; nothing is stored without a yes to both."""

    instrument_id: UUID
    case_id: UUID | None = Field(None, description="If the person has a case already.")
    area: PlaceCode | None = Field(None, description="Where it takes place; the case's, if absent.")
    held_at: Moment | None = Field(
        None, description="When it took place, for one that was held offline; not in the future."
    )
    answers: Answers = Field(examples=[{"safe_to_talk": "yes", "consent": "yes"}])


class MoreAnswers(Strict):
    """Answers by question. Null removes an answer."""

    answers: Annotated[
        dict[Annotated[str, Field(max_length=80)], AnswerValue], Field(max_length=MOST_ANSWERS)
    ]
    expected_version: int | None = Field(None, ge=1)


class Stop(Strict):
    """A request to stop, which is possible at any moment and needs no explanation."""

    reason: reasons.StopScreening = "other"
    keep_answers: bool = Field(False, description="Only if the person agrees that they are kept.")


class Conclude(Strict):
    """The screener's own judgement, in their own words. The system suggests nothing."""

    judgement: Judgement = Field(examples=["possible_victim"])
    rationale: Rationale
    exploitation_types: list[ExploitationType] = Field([], max_length=10)
    screener: Holder | None = Field(
        None,
        description="The certified person of your organisation who held it, if a system sends this"
        " for them; absent: the caller.",
    )


class Attach(Strict):
    case_id: UUID


class EraseScreening(Strict):
    confirm: str = Field(max_length=40, description="Repeats the id: erasing cannot be undone.")


class Choice(Strict):
    """A service chosen for one need, for example from the resolved pathway."""

    service_id: UUID
    need: Category
    urgency: Urgency = "routine"
    payload: Payload = Payload()
    from_case: list[Item] = Field([], max_length=len(Item))
    safe_contact: SafeContact | None = None


class NewDrafts(Strict):
    """The drafts to create. Without choices, each suggested need gets a draft to the pathway's first available
    service."""

    choices: Annotated[list[Choice], Field(min_length=1, max_length=20)] | None = None


ScreeningStatus = Literal["open", "stopped", "concluded", "erased"]


class ScreeningSummary(BaseModel):
    """A screening in codes, without its answers."""

    id: UUID
    case_id: UUID | None
    instrument_id: UUID
    status: ScreeningStatus
    version: int
    area: str | None
    source: str
    judgement: str | None
    screener: str | None
    stop_reason: str | None
    held_at: datetime
    referred_at: datetime | None
    changed_at: datetime
    ended_at: datetime | None


class IndicationView(BaseModel):
    question: str
    option: str | None
    label: Labels
    element: str
    grade: str | None
    needs_review: bool


class ElementView(BaseModel):
    """The indications for an element. `strength` is the strongest grade among the answers; grades are never added
    up."""

    element: str
    strength: Literal["none", "some", "strong"]
    needed: bool
    indications: list[IndicationView]
    unanswered: list[str]


class RuleView(BaseModel):
    id: str
    text: Labels
    basis: str


class SummaryView(BaseModel):
    """The answers by element. There is no verdict: the judgement belongs to the screener."""

    age_group: str
    elements: list[ElementView]
    context: list[IndicationView]
    missing: list[str]
    rules: list[RuleView]
    needs_review: bool


class NeedView(BaseModel):
    need: str
    urgency: UrgencyCode
    because: Labels


class StandingView(BaseModel):
    """The progress. `next` is the next question; `open` contains all relevant questions without an answer."""

    next: str | None
    open: list[str]
    required: list[str]


class ScreeningState(ScreeningSummary):
    """The state after each step: the progress, the indications so far, and help that may fit."""

    standing: StandingView
    summary: SummaryView
    suggested_needs: list[NeedView]


class ConclusionView(BaseModel):
    judgement: str
    rationale: str
    exploitation_types: list[str]
    screener: str
    concluded_at: datetime


class ScreeningDetail(ScreeningState):
    """A screening with its answers. `profile` is the request body for `/directory/v1/pathways/resolve`; null without a
    place."""

    answers: dict[str, Any]
    conclusion: ConclusionView | None
    profile: dict[str, Any] | None


class PlanAlternative(BaseModel):
    service_id: UUID
    organisation_id: UUID
    pathway_rank: int | None


class PlannedNeed(BaseModel):
    """A need with its currently choosable services, best first.

    For a confidential need outside your coordination, `coverage` is never `gap`: whether or not a safe house exists, it
    is `through_intermediary`. The area's own pathway may name another intermediary: call
    `/directory/v1/pathways/resolve` with the screening's profile.
    """

    need: str
    urgency: UrgencyCode
    because: Labels
    alternatives: list[PlanAlternative]
    coverage: Literal["available", "through_intermediary", "gap"]
    intermediary: Labels | None = None


class Drafts(BaseModel):
    """The created drafts, which share nothing and notify nobody. Sending each draft requires its own consent."""

    screening_id: UUID
    plan: list[PlannedNeed]
    gaps: list[str]
    drafts: list[ReferralView]
