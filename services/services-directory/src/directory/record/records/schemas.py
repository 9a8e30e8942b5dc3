"""Lists of records."""

from datetime import date, datetime
from uuid import UUID

from common.events.codes import CapacityState, Visibility
from pydantic import BaseModel, Field

from directory.ground.entries.schemas import EntryStateCode
from directory.ground.hsds.extensions import FunctionalCode
from directory.ground.old_spelling import OfOrganisation


class RecordLine(OfOrganisation):
    id: UUID
    name: str
    state: EntryStateCode
    version: int
    visibility: Visibility
    aors: list[str]
    modified_at: datetime
    valid_until: date | None = None
    stale: bool
    capacity_state: CapacityState | None = None
    functional_status: FunctionalCode | None = None
    withheld: bool = Field(
        False,
        description="Published, and shown to nobody while its organisation's access is suspended.",
    )
    endorsed_by: list[str] = Field([], description="Areas of responsibility that endorse it.")


class RecordPage(BaseModel):
    items: list[RecordLine]
    next_cursor: str | None = None
