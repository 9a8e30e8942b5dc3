"""Request and response bodies for cases."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from common.events.codes import Code
from common.http import Strict
from common.words.choices import OneOf
from pydantic import BaseModel, Field, model_validator

from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.ages import Caregiver
from referrals.ground.vocabulary.fields import (
    Account,
    BirthDate,
    Country,
    Language,
    Name,
    PlaceCode,
    Population,
)


class Document(Strict):
    kind: str | None = Field(None, max_length=60)
    number: str = Field(min_length=1, max_length=60)
    country: Country | None = None


class Contact(Strict):
    """How to reach the person, and how to do so safely."""

    phone: str | None = Field(None, max_length=40)
    email: str | None = Field(None, max_length=200)
    safe_way: str | None = Field(None, max_length=500, description="How to make contact safely.")
    safe_times: str | None = Field(None, max_length=200)


class CaregiverContact(Strict):
    name: Name
    relation: str | None = Field(None, max_length=100)
    contact: Contact | None = None


class Identity(Strict):
    """The person's identity, encrypted under a key that only this case uses."""

    name: Name | None = None
    other_names: list[Name] = Field([], max_length=10)
    birth_date: date | None = None
    age: int | None = Field(None, ge=0, le=120, description="Completed years, if no birth date.")
    document: Document | None = None
    own_reference: str | None = Field(
        None, max_length=60, description="The number of this case in your own system."
    )
    contact: Contact | None = None
    address: str | None = Field(None, max_length=500)
    caregiver: CaregiverContact | None = None

    @model_validator(mode="after")
    def _one_age(self) -> "Identity":
        if self.birth_date is not None and self.age is not None:
            raise ValueError("give the birth date or the age, not both")
        return self


class GivenIdentity(Identity):
    """An identity as recorded or corrected by a caseworker."""

    birth_date: BirthDate = None


class Attributes(Strict):
    """Attributes that describe the person without naming them. They are encrypted too."""

    sex: Literal["female", "male", "other", "unknown"] = "unknown"
    nationality: Country | None = None
    languages: list[Language] = Field([], max_length=10)
    populations: list[Population] = Field([], max_length=10)
    specific_needs: list[Population] = Field([], max_length=10)
    disability: Code | None = None
    exploitation_types: list[Code] = Field([], max_length=10)


_WORD = "By which your team knows the case in lists: chosen from a table, so never a name."


class NewCase(Strict):
    identity: GivenIdentity = GivenIdentity()
    attributes: Attributes = Attributes()
    area: PlaceCode | None = None
    country: Country | None = Field(
        None, description="Where the person is; needed if no area is given."
    )
    caregiver: Caregiver = Caregiver.UNKNOWN
    unless_alike: bool = Field(
        False,
        description="Refuse with 409 `case_may_exist_already` if one of your cases has this document or "
        "reference, or a full name that sounds the same.",
    )

    @model_validator(mode="after")
    def _somewhere(self) -> "NewCase":
        if self.area is None and self.country is None:
            raise ValueError(
                "give the area or the country: a referral across a border has rules of its own"
            )
        return self


class CaseChange(Strict):
    """New values for parts of the record; absent parts stay unchanged."""

    identity: GivenIdentity | None = None
    attributes: Attributes | None = None
    area: PlaceCode | None = None
    caregiver: Caregiver | None = None
    word: Annotated[str, OneOf("case_words")] | None = Field(None, description=_WORD)
    expected_version: int | None = Field(
        None, ge=1, description="The version that you read; 409 if somebody changed it since."
    )


class CaseSearch(Strict):
    """A search in which all given values must match. The values are in the body because names never go into URLs."""

    name: Name | None = None
    document: str | None = Field(None, max_length=60)
    own_reference: str | None = Field(None, max_length=60)

    @model_validator(mode="after")
    def _something(self) -> "CaseSearch":
        if not (self.name or self.document or self.own_reference):
            raise ValueError("give a name, a document number or your own reference")
        return self


class Assignment(Strict):
    assigned_to: Account | None = Field(
        description="The id of a colleague (`/identity/v1/colleagues`) or of a client of yours; null: "
        "nobody."
    )


class Closure(Strict):
    reason: reasons.CloseCase


class Reopening(Strict):
    """The reason for reopening a closed case."""

    reason: reasons.ReopenCase


class Erasure(Strict):
    """The erasure request. `confirm` repeats the case reference, because an erasure cannot be undone."""

    confirm: str = Field(max_length=20)
    basis: reasons.EraseCase


class ImplicatedOrganisations(Strict):
    organisation_ids: list[UUID] = Field(max_length=50)


class CaseSummary(BaseModel):
    """A case without personal data."""

    id: UUID
    reference: str
    organisation_id: UUID
    version: int
    status: Literal["open", "closed", "erased"]
    area: str | None
    country: str
    minor: bool | None
    caregiver: str
    assigned_to: str | None = None
    word: str | None = Field(None, description=_WORD)
    created_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    closure_reason: str | None
    retain_until: date | None


class CaseDetail(CaseSummary):
    identity: Identity | None
    attributes: Attributes | None
    age: int | None
    implicated_organisations: list[UUID]


class OpenCases(BaseModel):
    """The number of open cases for which one person is responsible."""

    person: str | None = Field(description="Their account; null for cases that nobody has yet.")
    open: int = Field(description="How many open cases they have.")


class RetentionRow(BaseModel):
    case_id: UUID
    reference: str
    closed_at: datetime
    retain_until: date
