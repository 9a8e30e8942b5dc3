"""Request and response bodies for consents and exceptions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from common.http import ShownOnce, Strict
from common.words.enums import enum_of
from pydantic import BaseModel, Field, model_validator

from referrals.case.consents.decision import EXPIRED, STANDINGS
from referrals.ground.vocabulary.ages import Assent, Decider
from referrals.ground.vocabulary.disclosure import Item
from referrals.ground.vocabulary.fields import Category, Items, Language

ConsentKind = Literal["referral", "reporting", "transfer"]
Method = Literal["signed", "verbal"]
ExceptionStatus = Literal["pending", "approved", "refused", "ended"]


class NewConsent(Strict):
    """A person's decision. `referral`: one recipient service, one purpose, the items to share. `reporting`: only
    anonymous statistics, never a condition of help. `transfer`: the whole case goes to another organisation."""

    case_id: UUID
    kind: ConsentKind = "referral"
    service_id: UUID | None = None
    recipient_organisation_id: UUID | None = None
    purpose: Category | None = Field(
        None, description="Service category that the sharing is for; one of the service's own."
    )
    items: Items = Field([])
    decided_by: Decider = Decider.PERSON
    child_assent: Assent | None = None
    language: Language = "spa"
    method: Method
    given_at: datetime | None = Field(None, description="Absent: now.")
    valid_until: datetime | None = None

    @model_validator(mode="after")
    def _complete(self) -> "NewConsent":
        for value in (self.given_at, self.valid_until):
            if value is not None and value.tzinfo is None:
                raise ValueError("times need an offset, e.g. 2026-01-31T12:00:00Z")
        if self.kind == "referral" and not (self.service_id and self.purpose and self.items):
            raise ValueError("a referral consent names service_id, purpose and items")
        if self.kind == "transfer" and self.recipient_organisation_id is None:
            raise ValueError("a transfer consent names recipient_organisation_id")
        if self.kind != "referral" and (self.service_id or self.purpose or self.items):
            raise ValueError(f"a {self.kind} consent has no service_id, purpose or items")
        return self


class SupervisorDecision(Strict):
    approve: bool


class Withdrawal(Strict):
    """The person's wish. All fields are optional, so a withdrawal never fails because a field is missing."""

    method: Literal["in_person", "phone", "message", "own_code", "other"] = "other"
    withdrawn_at: datetime | None = None


class OwnWithdrawal(Strict):
    """The withdrawal code that the person received with the consent."""

    code: str = Field(min_length=8, max_length=40)


class Consent(BaseModel):
    id: UUID
    case_id: UUID
    organisation_id: UUID
    kind: ConsentKind
    service_id: UUID | None
    recipient_organisation_id: UUID | None
    purpose: str | None
    items: list[str]
    decided_by: str
    child_assent: str | None
    language: str
    method: Method
    given_at: datetime
    valid_until: datetime | None
    version: int
    status: Annotated[str, enum_of((*STANDINGS, EXPIRED))]
    requested_by: str
    approved_by: str | None
    withdrawn_at: datetime | None
    withdrawal_method: str | None


class GivenConsent(Consent):
    withdrawal_code: ShownOnce = Field(
        None,
        description="Give it to the person: with it they can withdraw without asking anybody. It is "
        "shown this once; a repeated command shows null. If the answer or the code was lost, "
        "`POST /consents/{grant_id}/withdrawal-code` makes another, and the former is void.",
    )


class NewCode(Strict):
    """A new withdrawal code. Request it while the person is with you: their earlier code becomes invalid."""


class DisclosureRead(BaseModel):
    referral_id: UUID
    organisation_id: UUID | None
    at: datetime
    items: list[str]


class RecordRead(BaseModel):
    """An access to the whole record by the organisation that received the case, or in an emergency."""

    road: Literal["transfer", "break_glass"] = Field(
        description="`transfer`: its holder read it. `break_glass`: it was opened in an emergency."
    )
    organisation_id: UUID | None = Field(description="The organisation that read.")
    at: datetime = Field(description="When it was read.")


class MissingReadings(BaseModel):
    """A period for which no reads are recorded, because a backup was restored."""

    since: datetime = Field(description="The last entry of the record before the backup.")
    until: datetime = Field(description="When the backup was restored.")


class ToldOfReadings(BaseModel):
    """An honest report on a withdrawal: recipients cannot unread what they have read."""

    already_read: list[DisclosureRead]
    record_read: list[RecordRead] = Field(
        [], description="Who had read the whole record, of others than who asked for the consent."
    )
    readings_missing: list[MissingReadings] = Field(
        [],
        description="A backup was restored: readings in these times are not known. Tell the person.",
    )
    goes_on_reading: UUID | None = Field(
        None,
        description="The organisation that received the case, or a referral of it, and holds the case"
        " now. It reads the record as its holder, also after the withdrawal. Tell the person.",
    )
    ended_before: datetime | None = Field(
        None,
        description="The consent had ended by itself on this date: since then nothing was read under it.",
    )


class WithdrawnConsent(Consent, ToldOfReadings):
    """A withdrawn consent: who had read which items, and which referrals ended."""

    referrals_ended: list[UUID]


class NewException(Strict):
    """A request to share without the person's consent. A second person must approve it; a third reviews it."""

    case_id: UUID
    service_id: UUID
    purpose: Category
    basis: Literal["vital_interest", "best_interest", "mandatory_report"]
    rationale: str = Field(min_length=20, max_length=4000)
    person_informed: bool
    items: Annotated[list[Item], Field(min_length=1, max_length=len(Item))]


class ExceptionSummary(BaseModel):
    """An exception in a list. A coordinator does not see the service and the recipient if the directory hides the
    service from them. The organisation that requested the exception always does."""

    id: UUID
    case_id: UUID
    organisation_id: UUID
    service_id: UUID | None
    recipient_organisation_id: UUID | None
    purpose: str
    basis: str
    items: list[str]
    person_informed: bool
    status: ExceptionStatus
    requested_by: str
    decided_by: str | None
    decided_at: datetime | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    created_at: datetime


class ExceptionDetail(ExceptionSummary):
    rationale: str | None
