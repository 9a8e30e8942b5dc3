"""Request and response bodies for overdue referrals."""

from datetime import datetime
from uuid import UUID

from common.http import Strict
from pydantic import BaseModel, Field

from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.fields import Aor, AorCode, CategoryCode, StateCode, UrgencyCode


class OverdueCount(BaseModel):
    aor: AorCode
    category: CategoryCode
    urgency: UrgencyCode
    count: int


class LateWith(BaseModel):
    """A late step and its urgency."""

    urgency: UrgencyCode
    state: StateCode = Field(
        description="How far the referrals have come: the step after it is late."
    )
    at_least: int = Field(
        description="So many referrals or more: 1 or 11. A smaller number is never told exactly."
    )


class NotedCall(BaseModel):
    """The last call to a late organisation."""

    outcome: reasons.CallOutcome
    called_at: datetime = Field(description="When it was called (UTC).")
    called_by: str = Field(description="Who called, as records name them.")


class NewCall(Strict):
    """A coordinator's call to a late organisation."""

    aor: Aor
    outcome: reasons.CallOutcome = Field(
        description="What the organisation said, or that nobody answered."
    )


class LateOrganisation(BaseModel):
    """An organisation that missed a deadline in an area of responsibility, without naming any referral."""

    organisation_id: UUID | None = Field(
        description="Null where the directory does not show you the service."
    )
    aor: AorCode
    urgency: UrgencyCode
    late: list[LateWith]
    service_ids: list[UUID] = Field(description="Services at which something is late.")
    to_call: bool = Field(description="False while a call that was noted holds.")
    call: NotedCall | None = Field(description="The last call of whoever coordinates the area.")


class ToCall(BaseModel):
    """The number of organisations to call in an area of responsibility."""

    aor: AorCode
    urgency: UrgencyCode
    organisations: int = Field(description="How many organisations are to be called.")
