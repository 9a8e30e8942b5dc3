"""Request and response bodies of the record endpoints."""

from datetime import date
from typing import Any
from uuid import UUID

from common.events.codes import CapacityState, Visibility
from common.http import Strict
from pydantic import BaseModel, Field

from directory.ground.entries.schemas import EntryStateCode
from directory.ground.hsds.extensions import FunctionalStatus


class RecordOut(BaseModel):
    """A record as its editors see it: all fields, at any visibility."""

    id: UUID
    version: int
    state: EntryStateCode
    possible_steps: list[str]
    published: bool
    withheld: bool = Field(
        False,
        description="Published, and shown to nobody while its organisation's access is suspended.",
    )
    managed_by: UUID
    document: dict[str, Any]
    approved_differs: bool = Field(description="True while a newer draft waits for approval.")


class FieldDifferenceOut(BaseModel):
    """A field that differs. A value is null if that version lacks the field."""

    pointer: str
    old: Any | None = None
    new: Any | None = None


class SeenOut(BaseModel):
    """The service as one audience sees it; null if this audience may not know that it exists."""

    level: Visibility = Field(
        description="Who looks: anybody, partners, people on the pathway, the coordination."
    )
    before: dict[str, Any] | None = Field(description="What they see today.")
    after: dict[str, Any] | None = Field(description="What they would see once it is approved.")
    differences: list[FieldDifferenceOut] = Field(
        description="Between the two, field by field; machine-made dates are left out."
    )


class ReviewOut(BaseModel):
    """The approved and the submitted document side by side, and what approval would show to each audience."""

    approved: dict[str, Any] | None = Field(
        description="What is published today; null: nothing is, or it was withdrawn."
    )
    submitted: dict[str, Any] = Field(description="What its writers want to stand there instead.")
    differences: list[FieldDifferenceOut] = Field(
        description="Between the two, field by field; machine-made dates are left out."
    )
    views: list[SeenOut] = Field(description="One for each of the four levels, the widest first.")


class CapacityIn(Strict):
    """Sets the capacity, for example `{"state": "full"}`."""

    state: CapacityState | None = None
    functional_status: FunctionalStatus | None = None
    available: float | None = Field(None, ge=0, description="Free places, of `unit`.")
    maximum: float | None = Field(None, ge=0)
    unit: str | None = Field(None, max_length=100, description="What is counted, e.g. 'beds'.")


class VerificationIn(Strict):
    """Confirms that the entry was checked, and until when the check is valid (default: 90 days, at most 365)."""

    valid_until: date | None = None
    method: str | None = Field(None, max_length=200)


class ReasonIn(Strict):
    reason: str | None = Field(None, max_length=2000)
