"""Request and response bodies for referrals: one typed body per transition."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from common.events.codes import CapacityState, Urgency
from common.http import Strict
from pydantic import AfterValidator, BaseModel, Field

from referrals.case.cases.schemas import CaregiverContact, Contact, Document
from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.disclosure import Item
from referrals.ground.vocabulary.fields import (
    AorCode,
    BirthDate,
    Category,
    CategoryCode,
    Country,
    Language,
    Name,
    PlaceCode,
    Population,
    StateCode,
    UrgencyCode,
)
from referrals.referral.referrals.lifecycle import Command


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("needs an offset, e.g. 2026-01-31T12:00:00Z")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]
Narrative = Annotated[str, Field(min_length=1, max_length=4000)]
Note = Annotated[str, Field(max_length=2000)]


class Payload(Strict):
    """Values for this referral, by item. Each item must be granted. Absent items are not shared."""

    case_reference: str | None = Field(None, max_length=40)
    name: Name | None = None
    sex: Literal["female", "male", "other", "unknown"] | None = None
    age: int | None = Field(None, ge=0, le=120)
    birth_date: BirthDate = None
    nationality: Country | None = None
    languages: list[Language] | None = Field(None, max_length=10)
    populations: list[Population] | None = Field(None, max_length=10)
    document: Document | None = None
    contact: Contact | None = None
    address: str | None = Field(None, max_length=500)
    area: PlaceCode | None = None
    caregiver_contact: CaregiverContact | None = None
    specific_needs: list[Population] | None = Field(None, max_length=10)
    situation: Narrative | None = None
    safety: Narrative | None = None
    health: Narrative | None = None

    def items(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


class SafeContact(Strict):
    """How to contact the person safely; required before sending."""

    rule: Literal["contact_directly", "through_referrer", "person_comes", "do_not_contact"]
    instructions: str | None = Field(None, max_length=1000)


class NewReferral(Strict):
    case_id: UUID
    service_id: UUID
    category: Category = Field(description="The need, one of the service's own categories.")
    urgency: Urgency = "routine"
    payload: Payload = Payload()
    from_case: list[Item] = Field(
        [], max_length=len(Item), description="Items to copy from the case at sending."
    )
    safe_contact: SafeContact | None = None
    clinical_deadline: Moment | None = Field(
        None,
        description="Absolute end of a clinical window (PEP 72 h, emergency contraception "
        "120 h). Never send the time of the incident.",
    )
    replaces: UUID | None = None


class Versioned(Strict):
    expected_version: int | None = Field(
        None, ge=1, description="If given: the version that you read; 409 if it has changed."
    )


class Step(Versioned):
    """The request body of a step without further fields; `says` is its endpoint's description."""

    command: ClassVar[Command]
    says: ClassVar[str]


class Send(Versioned):
    """Send under a consent or an approved exception. There is no override."""

    grant_id: UUID | None = None
    exception_id: UUID | None = None
    in_addition: bool = Field(
        False,
        description="Send although another referral of this person to this service is open. Without "
        "it: 409 `already_open`.",
    )


class Acknowledge(Step):
    command = Command.ACKNOWLEDGE
    says = "sent → acknowledged, by the recipient."


class RequestInformation(Step):
    command = Command.REQUEST_INFORMATION
    says = "acknowledged → info_requested, by the recipient."

    question: Narrative


class AnswerInformation(Step):
    """An answer that contains only granted items."""

    command = Command.ANSWER_INFORMATION
    says = "info_requested → acknowledged, by the referrer, within the grant."

    payload: Payload


class Waitlist(Step):
    command = Command.WAITLIST
    says = "acknowledged → waitlisted, by the recipient, if the person agrees to wait."

    expected_on: date
    person_agrees: Literal[True] = Field(description="The person agreed to wait.")


class Accept(Step):
    command = Command.ACCEPT
    says = "sent, acknowledged, waitlisted → accepted, by the recipient."

    focal_point: str = Field(
        min_length=1, max_length=200, description="Who is responsible: a post or a first name."
    )
    note: Note | None = None


class Decline(Step):
    command = Command.DECLINE
    says = "sent, acknowledged, waitlisted → declined, by the recipient, for a coded reason."

    reason: reasons.Decline
    note: Note | None = None
    suggested_service_id: UUID | None = Field(
        None, description="A service that may help instead. The referrer decides; nothing moves."
    )


class Schedule(Step):
    command = Command.SCHEDULE
    says = "accepted, scheduled → scheduled, by the recipient: the appointment is made or moved."

    appointment_at: Moment
    place: str | None = Field(None, max_length=500)
    note: Note | None = None


class Start(Step):
    command = Command.START
    says = "accepted, scheduled → in_service, by the recipient."

    started_on: date | None = None


class Hold(Step):
    command = Command.HOLD
    says = "accepted, scheduled, in_service → on_hold, by the recipient."

    reason: reasons.Hold
    review_on: date
    note: Note | None = None


class Resume(Step):
    command = Command.RESUME
    says = "on_hold → the state before, by the recipient."


Delivered = Literal["delivered", "partly_delivered"]


class Complete(Step):
    """The service was provided, at least in part. Otherwise use report-not-delivered."""

    command = Command.COMPLETE
    says = "accepted, scheduled, in_service, on_hold → completed: something was provided."

    outcome: Delivered
    completed_on: date | None = None
    note: Note | None = None


class NotDelivered(Step):
    command = Command.REPORT_NOT_DELIVERED
    says = "accepted, scheduled, in_service, on_hold → not_delivered: no success in any figure."

    reason: reasons.NotDelivered
    note: Note | None = None


class Recall(Step):
    command = Command.RECALL
    says = "Any open state → recalled, by the referrer."

    reason: reasons.Recall
    note: Note | None = None


class Withdraw(Strict):
    """The person's wish. All fields are optional, so that recording it never fails."""

    method: Literal["in_person", "phone", "message", "own_code", "other"] = "other"
    withdrawn_at: Moment | None = None


class EnterInError(Step):
    command = Command.ENTER_IN_ERROR
    says = "Any state → entered_in_error, by the referrer."

    reason: reasons.EnterInError
    note: Note | None = None


STEPS: dict[Command, type[Step]] = {
    kind.command: kind
    for kind in (
        Acknowledge,
        RequestInformation,
        AnswerInformation,
        Waitlist,
        Accept,
        Decline,
        Schedule,
        Start,
        Hold,
        Resume,
        Complete,
        NotDelivered,
        Recall,
        EnterInError,
    )
}
"""Each of them has an endpoint."""


class RenewConsent(Versioned):
    """The person's new consent for the same service and purpose."""

    grant_id: UUID


class Suggest(Strict):
    service_id: UUID
    note: Note | None = None


class ConfirmFeedback(Strict):
    confirmed_by: Literal["referrer", "person"]
    agrees: Literal[True] = Field(description="What the recipient reported is what happened.")


class ReferralView(BaseModel):
    """A referral in codes. Read the disclosed items separately, at /disclosure."""

    id: UUID
    case_id: UUID
    from_organisation: UUID
    to_organisation: UUID
    service_id: UUID
    category: CategoryCode
    aor: AorCode
    urgency: UrgencyCode
    state: StateCode
    version: int
    area: str | None
    grant_id: UUID | None
    exception_id: UUID | None
    replaces: UUID | None
    acknowledge_by: datetime | None
    decide_by: datetime | None
    clinical_deadline: datetime | None
    expected_on: date | None
    review_on: date | None
    act_by: datetime | None = Field(
        None,
        description="After it was accepted: by when an appointment is made or it begins; in service: by "
        "when somebody looks at it again.",
    )
    appointment_at: datetime | None = Field(
        None, description="The place is in the history: it is sealed."
    )
    reason: str | None
    outcome: Delivered | None
    late: bool
    overdue: bool
    due: datetime | None = Field(description="By when the next step is to be taken.")
    service_flag: str | None
    suggested_service_id: UUID | None
    offer_again: bool | None = Field(
        None,
        description="Of a declined referral: whether the service may be offered to this person for this "
        "need again now. Null: it was not declined.",
    )
    feedback_confirmed_at: datetime | None
    feedback_confirmed_by: str | None
    created_at: datetime
    sent_at: datetime | None
    changed_at: datetime
    unheard_at: datetime | None = Field(
        None,
        description="While it is `sent`: since when it is known that no message reached anybody of the recipient, and"
        " nobody there has read it. Call them.",
    )
    legal_transitions: list[str]


class Disclosure(BaseModel):
    """The items that the person agreed to share with the recipient, as of sending."""

    referral_id: UUID
    items: dict[str, Any]
    safe_contact: SafeContact | None
    answers: list[dict[str, Any]]
    disclosed_at: datetime


class StepView(BaseModel):
    version: int
    command: str
    from_state: StateCode | None
    to_state: StateCode
    at: datetime
    organisation_id: UUID | None
    by: str | None = Field(
        None, description="Who took it, of your own organisation; of another nobody is named."
    )
    reason: str | None
    outcome: Delivered | None
    late: bool
    detail: dict[str, Any] | None


class ReadingView(BaseModel):
    """One reading of the disclosed items by their recipient."""

    organisation_id: UUID
    at: datetime
    items: list[str]


class Alternative(BaseModel):
    service_id: UUID
    organisation_id: UUID
    pathway_rank: int | None
    capacity_state: CapacityState | None
    areas: list[str]


class WholeReferral(ReferralView):
    """A referral with the parts that `with` requests. Null means not requested, or not visible to this caller."""

    history: list[StepView] | None = None
    disclosure: Disclosure | None = None
    disclosure_refused: str | None = Field(
        None,
        description="The code of why `/disclosure` is refused now, e.g. because it was withdrawn.",
    )
    readings: list[ReadingView] | None = Field(
        None, description="When the recipient read it, oldest first; for who refers alone."
    )
    alternatives: list[Alternative] | None = Field(
        None, description="As at `/alternatives`, for who refers, where it came to nothing."
    )


class QueueCounts(BaseModel):
    """An organisation's open received referrals by state, and the number that missed a deadline."""

    by_state: dict[str, int]
    overdue: int
    counted_to: int = Field(
        description="Here counting ends: a number that reaches it means so many or more."
    )
