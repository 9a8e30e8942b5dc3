"""Bodies of intake."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from common.web import ShownOnce, Strict
from pydantic import BaseModel, Field

from referrals.intake.mapping import FormMapping
from referrals.vocabulary.fields import PlaceCode

Path = Annotated[str, Field(min_length=1, max_length=200)]
Word = Annotated[str, Field(min_length=1, max_length=80)]


class MappingBody(Strict):
    """How a form's paths and codes are called in the instrument.

    A path that is not named maps to the question that its last part names, so a form made from the
    same XLSForm needs no mapping. `unmapped` paths are a reason for quarantine.
    """

    fields: dict[Path, Word] = Field({}, max_length=500, description="Path → question.")
    values: dict[Word, dict[Word, Word]] = Field(
        {}, max_length=500, description="Question → the form's code → the instrument's code."
    )
    ignore: list[Path] = Field([], max_length=500, description="Paths that are left out.")
    area: Path | None = Field(None, description="The path that holds the place.")
    area_values: dict[Word, PlaceCode] = Field({}, max_length=2_000)
    fixed_area: PlaceCode | None = Field(None, description="Where all of the form's people are.")

    def rules(self) -> FormMapping:
        return FormMapping(
            fields=self.fields,
            values=self.values,
            ignore=frozenset(self.ignore),
            area=self.area,
            area_values=self.area_values,
            fixed_area=self.fixed_area,
        )


class NewForm(Strict):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    instrument_id: UUID
    mapping: MappingBody = MappingBody()


class FormChange(NewForm):
    active: bool = True


class Nothing(Strict):
    pass


class FormView(BaseModel):
    """`address` is where the form tool sends submissions to."""

    id: UUID
    name: str
    instrument_id: UUID
    mapping: MappingBody
    active: bool
    address: str
    created_at: datetime
    changed_at: datetime


class FormSecret(FormView):
    """`secret` goes into the header `X-Form-Secret`, or signs as Standard Webhooks says."""

    secret: ShownOnce = Field(
        None,
        description="Shown this once. A repeated command shows null: if the first answer was lost, "
        "rotate the secret.",
    )


class Received(BaseModel):
    """`taken` became a screening; `quarantined` waits for a person; `not_kept`: no consent or not
    safe, so nothing was kept; `discarded`: a person put it away. `repeated`: it came before."""

    submission_id: str
    status: Literal["taken", "quarantined", "not_kept", "discarded"]
    repeated: bool


class SubmissionSummary(BaseModel):
    """`reasons` are codes; what exactly is wrong is read apart."""

    id: UUID
    form_id: UUID
    submission_id: str
    status: str
    reasons: list[str]
    screening_id: UUID | None
    received_at: datetime
    changed_at: datetime


class ReasonView(BaseModel):
    code: str
    pointer: str
    detail: str


class SubmissionDetail(SubmissionSummary):
    """In quarantine: what came, and why it does not map."""

    why: list[ReasonView]
    content: dict[str, object] | None
