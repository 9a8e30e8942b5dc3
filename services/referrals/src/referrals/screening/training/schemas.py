"""Request and response bodies for trainings and certificates."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from common.http import Strict
from pydantic import AfterValidator, BaseModel, Field, model_validator

from referrals.ground.vocabulary import reasons
from referrals.ground.vocabulary.fields import PlaceCode
from referrals.screening.training.topics import LONGEST_YEARS, certifies, topics


def _known(code: str) -> str:
    if code not in topics():
        raise ValueError(f"one of: {', '.join(topics())}")
    return code


def _certified(code: str) -> str:
    if not certifies(_known(code)):
        raise ValueError("there is no certificate for this topic")
    return code


Topic = Annotated[str, Field(max_length=60), AfterValidator(_known)]
People = Annotated[int, Field(ge=0, le=10_000, strict=True)]
# An account name or a staff code, without spaces, because a space suggests a person's name.
Holder = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9@._:\-]+$")]


class NewTraining(Strict):
    """A training that took place; reports contain it as a 5W activity (`TIP/TRN`)."""

    topic: Topic = Field(examples=["screening"])
    area: PlaceCode = Field(examples=["VE2313"])
    starts_on: date
    ends_on: date
    sessions: Annotated[int, Field(ge=1, le=200, strict=True)] = 1
    women: People = 0
    men: People = 0
    others: People = 0

    @model_validator(mode="after")
    def _in_order(self) -> "NewTraining":
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on")
        if (self.ends_on - self.starts_on).days > 366:
            raise ValueError("a training lasts a year at most")
        return self


class TrainingChange(NewTraining):
    """New values for a training; `cancelled` removes it from all counts."""

    cancelled: bool = False


class TrainingView(BaseModel):
    id: UUID
    organisation_id: UUID
    version: int
    topic: str
    area: str
    starts_on: date
    ends_on: date
    sessions: int
    women: int
    men: int
    others: int
    cancelled: bool
    changed_at: datetime


class NewCertificate(Strict):
    """A new certificate: who passed, and how long the certificate is valid. Nobody certifies themselves."""

    holder: Holder = Field(
        description="The account that signs in, or a staff code that your system sends.",
        examples=["ngo-refugio"],
    )
    topic: Annotated[str, Field(max_length=60), AfterValidator(_certified)] = "screening"
    training_id: UUID | None = None
    certified_on: date
    valid_until: date

    @model_validator(mode="after")
    def _in_order(self) -> "NewCertificate":
        if self.valid_until <= self.certified_on:
            raise ValueError("valid_until is not after certified_on")
        if (self.valid_until - self.certified_on).days > LONGEST_YEARS * 366:
            raise ValueError(f"a certificate counts for {LONGEST_YEARS} years at most")
        return self


class Revoke(Strict):
    reason: reasons.RevokeCertificate


class CertificateView(BaseModel):
    """A certificate. `standing`: valid, expiring (within 60 days), expired, future or revoked."""

    id: UUID
    organisation_id: UUID
    holder: str
    topic: str
    training_id: UUID | None
    certified_on: date
    valid_until: date
    standing: Literal["valid", "expiring", "expired", "future", "revoked"]
    revoked_reason: str | None
