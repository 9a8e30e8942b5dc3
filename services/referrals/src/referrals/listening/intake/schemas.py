"""Request and response bodies for intake."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from common.http import ShownOnce, Strict
from pydantic import BaseModel, Field, model_validator

from referrals.ground.vocabulary.fields import Category, Country, PlaceCode
from referrals.listening.intake.case_mapping import TARGETS
from referrals.listening.intake.mapping import FormMapping
from referrals.listening.intake.peer_words import Peer

Path = Annotated[str, Field(min_length=1, max_length=200)]
Word = Annotated[str, Field(min_length=1, max_length=80)]


class MappingBody(Strict):
    """Maps a form's paths and codes to ours.

    A path that is neither mapped nor ignored causes quarantine. In a form that creates screenings, an unmapped path
    maps to the question named like its last part. A form made from the same XLSForm therefore needs no mapping.
    """

    inside: Path | None = Field(
        None, description="The member that holds the submission, where a template wraps it."
    )
    fields: dict[Path, Word] = Field(
        {},
        max_length=500,
        description="Path → question; of a form that makes cases → part of the case: "
        + ", ".join(TARGETS)
        + ". A path without rows (`services/type`) stands for all rows of a repeat, "
        "`services[0]/type` for the first. Parts of a name and of a date are joined.",
    )
    values: dict[Word, dict[Word, Word]] = Field(
        {},
        max_length=500,
        description="Question or part of the case → the form's code → the code here.",
    )
    ignore: list[Path] = Field(
        [],
        max_length=500,
        description="Paths that are left out; one that ends in `*` is a beginning. A state of the "
        "record that is left out has no effect.",
    )
    area: Path | None = Field(None, description="The path that holds the place.")
    area_values: dict[Word, PlaceCode] = Field({}, max_length=2_000)
    fixed_area: PlaceCode | None = Field(None, description="Where all of the form's people are.")
    country: Country | None = Field(
        None, description="Where they are if no place is told; for forms that make cases."
    )
    needs: dict[Path, dict[Word, Category | None]] = Field(
        {},
        max_length=100,
        description="Path of a service type → the form's code → service category, null for none. Each "
        "becomes a need in the plan of the case.",
    )
    drafts: dict[Category, UUID] = Field(
        {},
        max_length=100,
        description="Category → the service to draft a referral to. A draft shares nothing.",
    )
    consents: list[Path] = Field(
        [],
        max_length=50,
        description="Paths that speak of consent. They never become one: a task asks somebody to ask "
        "the person.",
    )

    def rules(self) -> FormMapping:
        return FormMapping(
            fields=self.fields,
            values=self.values,
            ignore=frozenset(self.ignore),
            area=self.area,
            area_values=self.area_values,
            fixed_area=self.fixed_area,
            country=self.country,
            needs=self.needs,
            drafts=self.drafts,
            consents=frozenset(self.consents),
        )


class NewForm(Strict):
    """A form that creates screenings with an instrument, or cases with needs and drafts."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    peer: Peer = Field(Peer.KOBOTOOLBOX, description="The system that sends, for its shape.")
    makes: Literal["screening", "case"] = "screening"
    instrument_id: UUID | None = Field(
        None, description="For screenings; a form that makes cases has none."
    )
    mapping: MappingBody = MappingBody()

    @model_validator(mode="after")
    def _one_of_both(self) -> "NewForm":
        if self.makes == "screening" and self.instrument_id is None:
            raise ValueError("a form that makes screenings names its instrument_id")
        if self.makes == "case" and self.instrument_id is not None:
            raise ValueError("a form that makes cases has no instrument_id")
        of_cases = ("country", "needs", "drafts", "consents")
        if self.makes == "screening" and any(getattr(self.mapping, each) for each in of_cases):
            raise ValueError(f"{', '.join(of_cases)} are for forms that make cases")
        return self


class FormChange(NewForm):
    active: bool = True


class Nothing(Strict):
    pass


class IntakeFormView(BaseModel):
    """A form. `address` is the URL to which the form tool sends submissions."""

    id: UUID
    name: str
    peer: Peer
    makes: Literal["screening", "case"]
    instrument_id: UUID = Field(
        description="The nil UUID (RFC 9562 §5.9) for a form that makes cases: clients were promised one."
    )
    mapping: MappingBody
    active: bool
    address: str
    created_at: datetime
    changed_at: datetime


class FormSecret(IntakeFormView):
    """A form with its secret. Use `secret` in the header `X-Form-Secret`, as the HTTP Basic password (with any user
    name), or to sign as in Standard Webhooks."""

    secret: ShownOnce = Field(
        None,
        description="Shown this once. A repeated command shows null: if the first answer was lost, "
        "rotate the secret.",
    )


SubmissionStatus = Literal["taken", "quarantined", "not_kept", "discarded"]


class Received(BaseModel):
    """The result of a submission. `taken`: it became a screening or a case. `quarantined`: it waits for a person.
    `not_kept`: nothing was stored, because there was no consent or it was not safe. `discarded`: a person discarded it.
    `repeated`: a duplicate."""

    id: UUID = Field(description="Id of the submission here, to read what became of it.")
    submission_id: str
    status: SubmissionStatus
    repeated: bool


class SubmissionSearch(Strict):
    """A search by values in the body, not in the URL, because the values identify a person."""

    sender_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="The record's id in its own system."
    )
    own_reference: Annotated[str, Field(min_length=1, max_length=60)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "SubmissionSearch":
        if (self.sender_id is None) == (self.own_reference is None):
            raise ValueError("give a sender_id or your own_reference")
        return self


class SubmissionSummary(BaseModel):
    """A submission in a list. `reasons` are codes; the detail view explains them."""

    id: UUID
    form_id: UUID
    submission_id: str
    status: SubmissionStatus
    reasons: list[str]
    screening_id: UUID | None
    case_id: UUID | None
    received_at: datetime
    changed_at: datetime


class ReasonView(BaseModel):
    code: str
    pointer: str
    detail: str


class SubmissionDetail(SubmissionSummary):
    """A quarantined submission: its content, and the reasons."""

    why: list[ReasonView]
    content: dict[str, object] | None
