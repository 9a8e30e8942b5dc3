"""What the record endpoints take and give."""

from datetime import date
from typing import Any
from uuid import UUID

from common.web import Strict
from pydantic import BaseModel, Field

from services_directory.hsds.extensions import CapacityState, FunctionalStatus


class RecordOut(BaseModel):
    """A record as its editors see it: everything, whatever its visibility."""

    id: UUID
    version: int
    state: str
    possible_steps: list[str]
    published: bool
    managed_by: UUID
    document: dict[str, Any]
    approved_differs: bool = Field(description="True while a newer draft waits for approval.")


class CapacityIn(Strict):
    """The one-line call: `{"state": "full"}`."""

    state: CapacityState | None = None
    functional_status: FunctionalStatus | None = None
    available: float | None = Field(None, ge=0, description="Free places, of `unit`.")
    maximum: float | None = Field(None, ge=0)
    unit: str | None = Field(None, max_length=100, description="What is counted, e.g. 'beds'.")


class VerificationIn(Strict):
    """Says that the entry was checked and until when that holds (default: 90 days)."""

    valid_until: date | None = None
    method: str | None = Field(None, max_length=200)


class ReasonIn(Strict):
    reason: str | None = Field(None, max_length=2000)
