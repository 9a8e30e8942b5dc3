"""Request and response bodies for transfers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from common.events.codes import Urgency
from common.http import Strict
from pydantic import BaseModel, Field

from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.ages import Assent
from referrals.ground.vocabulary.facts import decided
from referrals.ground.vocabulary.fields import Category, Language, UrgencyCode


class NewTransfer(Strict):
    """An offer of a case to another organisation, under a consent of kind `transfer`. The recipient decides from the
    facts given here."""

    case_id: UUID
    to_organisation: UUID
    grant_id: UUID
    need: Category | None = Field(None, description="What the person needs most.")
    urgency: Urgency | None = None
    why: reasons.OfferTransfer | None = Field(
        None, description="Why another organisation should have the case."
    )


class DeclineTransfer(Strict):
    reason: reasons.DeclineTransfer


class RecallTransfer(Strict):
    reason: reasons.RecallTransfer


class SuccessorConsent(Strict):
    """The person's answer to the organisation that is taking over the case."""

    decided_by: Literal["person", "caregiver"] = "person"
    child_assent: Assent | None = None
    language: Language = "spa"
    method: Literal["signed", "verbal"] = Field(description="How the person said yes.")


class AcceptTransfer(Strict):
    consent: SuccessorConsent | None = Field(
        None, description="Needed where the offer says `asks`."
    )


TransferState = Literal["offered", "accepted", "declined", "recalled"]


class TransferView(BaseModel):
    id: UUID
    case_id: UUID
    from_organisation: UUID
    to_organisation: UUID
    grant_id: UUID = Field(description="The nil UUID where `asks`: there is no consent yet.")
    asks: bool = Field(
        False, description="A succession offers the case: ask the person before you accept it."
    )
    state: TransferState
    version: int
    reason: str | None
    offered_at: datetime
    decided_at: datetime | None
    legal_transitions: list[str]


class OfferedCase(BaseModel):
    """The facts on which the recipient bases the decision."""

    minor: bool | None
    need: str | None
    urgency: UrgencyCode | None
    why: str | None = Field(description="Why another organisation should have the case.")


class TransferDetail(TransferView):
    """A transfer with the facts about its case."""

    reference: str | None = Field(
        None, description="The code of a case that a succession offers: the person may hold it."
    )
    offer: OfferedCase | None = Field(
        description="What to decide by, while the offer and the consent to it stand."
    )


decided("TransferDetail", TransferDetail.model_fields)
decided("OfferedCase", OfferedCase.model_fields)
