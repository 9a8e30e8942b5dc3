"""Events of the referrals service. They contain ids and codes, never a name, a text or a date of birth."""

from collections.abc import Mapping
from datetime import date, datetime
from types import new_class
from typing import ClassVar, Literal
from uuid import UUID

from common.events.base import Event
from common.events.codes import Code, PCode, ReportingAttributes, Urgency
from common.words.referral_states import ReferralState

Indication = Literal["none", "some", "strong"]
_DESCRIBED = frozenset({"area", "attributes"})


class CaseData(Event):
    PERSONAL = _DESCRIBED

    case_id: UUID
    organisation_id: UUID
    area: PCode | None = None
    occurred_at: datetime
    attributes: ReportingAttributes | None = None


class CaseRegistered(CaseData):
    SUBJECT: ClassVar[str] = "ruta.referrals.case.registered.v1"


class CaseClosed(CaseData):
    SUBJECT: ClassVar[str] = "ruta.referrals.case.closed.v1"
    PERSONAL = _DESCRIBED | {"reason"}

    reason: Code | None = None


class CaseErased(Event):
    """The person's key is destroyed. Readers must forget the pseudonym."""

    SUBJECT: ClassVar[str] = "ruta.referrals.case.erased.v1"

    case_id: UUID


class ReferralData(Event):
    """A referral entered `state`. `late` means that it did so after the deadline for that step."""

    PERSONAL = _DESCRIBED

    referral_id: UUID
    case_id: UUID
    state: Code
    previous_state: Code | None = None
    from_organisation: UUID
    to_organisation: UUID
    service_id: UUID
    category: Code
    aor: Code
    area: PCode | None = None
    urgency: Urgency
    occurred_at: datetime
    reason: Code | None = None
    outcome: Code | None = None
    replaces: UUID | None = None
    late: bool = False
    attributes: ReportingAttributes | None = None


def _entered(state: ReferralState) -> type[ReferralData]:
    """Return the class `ruta.referrals.referral.<state>.v1`, published whenever a referral enters this state."""
    name = f"Referral{state.title().replace('_', '')}"
    subject = f"ruta.referrals.referral.{state}.v1"
    return new_class(name, (ReferralData,), None, lambda body: body.update(SUBJECT=subject))


ENTERED: Mapping[ReferralState, type[ReferralData]] = {
    state: _entered(state) for state in ReferralState if state is not ReferralState.DRAFT
}
"""Entering any state except draft is an event."""


class FeedbackConfirmed(ReferralData):
    """The referrer or the person confirms the recipient's report; `state` does not change."""

    SUBJECT: ClassVar[str] = "ruta.referrals.referral.confirmed.v1"

    confirmed_by: Literal["referrer", "person"]


class EscalationRaised(Event):
    SUBJECT: ClassVar[str] = "ruta.referrals.escalation.raised.v1"
    PERSONAL = frozenset({"area"})

    referral_id: UUID
    step: Literal["reminder", "supervisor", "alternative", "expiry"]
    due_at: datetime
    organisation_id: UUID
    category: Code
    urgency: Urgency
    area: PCode | None = None


class TransferData(Event):
    transfer_id: UUID
    case_id: UUID
    from_organisation: UUID
    to_organisation: UUID
    occurred_at: datetime


class TransferOffered(TransferData):
    SUBJECT: ClassVar[str] = "ruta.referrals.transfer.offered.v1"


class TransferAccepted(TransferData):
    SUBJECT: ClassVar[str] = "ruta.referrals.transfer.accepted.v1"


class TransferDeclined(TransferData):
    SUBJECT: ClassVar[str] = "ruta.referrals.transfer.declined.v1"


class TransferRecalled(TransferData):
    SUBJECT: ClassVar[str] = "ruta.referrals.transfer.recalled.v1"


class GrantData(Event):
    grant_id: UUID
    case_id: UUID
    kind: Literal["referral", "reporting"]
    service_id: UUID | None = None
    occurred_at: datetime


class GrantGiven(GrantData):
    """A grant was given. For `kind` reporting, `attributes` are the codes that may be counted from now on."""

    SUBJECT: ClassVar[str] = "ruta.referrals.grant.given.v1"
    PERSONAL = frozenset({"attributes"})

    attributes: ReportingAttributes | None = None


class GrantWithdrawn(GrantData):
    SUBJECT: ClassVar[str] = "ruta.referrals.grant.withdrawn.v1"


class ScreeningConcluded(Event):
    """A screening was concluded, with the elements that have indications. The screener interprets them."""

    SUBJECT: ClassVar[str] = "ruta.referrals.screening.concluded.v1"
    PERSONAL = _DESCRIBED | {"act", "means", "purpose", "judgement", "exploitation_types"}

    screening_id: UUID
    case_id: UUID | None = None
    organisation_id: UUID
    area: PCode | None = None
    act: Indication
    means: Indication
    purpose: Indication
    judgement: Code
    exploitation_types: tuple[Code, ...] = ()
    occurred_at: datetime
    attributes: ReportingAttributes | None = None


class ScreeningProgress(Event):
    """The state of a screening, without its answers."""

    PERSONAL = _DESCRIBED

    screening_id: UUID
    case_id: UUID | None = None
    organisation_id: UUID
    area: PCode | None = None
    occurred_at: datetime
    attributes: ReportingAttributes | None = None


class ScreeningOpened(ScreeningProgress):
    SUBJECT: ClassVar[str] = "ruta.referrals.screening.opened.v1"


class ScreeningStopped(ScreeningProgress):
    """A screening ended before a conclusion, which is possible at any time."""

    SUBJECT: ClassVar[str] = "ruta.referrals.screening.stopped.v1"


class ScreeningAttached(ScreeningProgress):
    """A screening now belongs to `case_id`. This also applies to its earlier events."""

    SUBJECT: ClassVar[str] = "ruta.referrals.screening.attached.v1"


class ScreeningErased(Event):
    """The responses to a screening are erased. Readers must forget the pseudonym derived from it."""

    SUBJECT: ClassVar[str] = "ruta.referrals.screening.erased.v1"

    screening_id: UUID


class ScreeningReferred(ScreeningProgress):
    """The first draft referrals were created from a screening."""

    SUBJECT: ClassVar[str] = "ruta.referrals.screening.referred.v1"


class TrainingHeld(Event):
    """The current record of a training. It contains only the number of participants."""

    SUBJECT: ClassVar[str] = "ruta.referrals.training.held.v1"

    training_id: UUID
    organisation_id: UUID
    topic: Code
    area: PCode
    starts_on: date
    ends_on: date
    sessions: int
    women: int
    men: int
    others: int
    cancelled: bool = False


class AssistanceGiven(Event):
    SUBJECT: ClassVar[str] = "ruta.referrals.assistance.given.v1"
    PERSONAL = _DESCRIBED

    assistance_id: UUID
    case_id: UUID
    organisation_id: UUID
    type: Code
    area: PCode | None = None
    date: date
    attributes: ReportingAttributes | None = None


class LineReportReceived(Event):
    SUBJECT: ClassVar[str] = "ruta.referrals.line.report-received.v1"
    PERSONAL = frozenset({"area"})

    report_id: UUID
    area: PCode | None = None
    kind: Code
    occurred_at: datetime
