"""Lists of records."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field


class RecordLine(BaseModel):
    id: UUID
    name: str
    organization_id: UUID
    state: str
    version: int
    visibility: str
    aors: list[str]
    modified_at: datetime
    valid_until: date | None = None
    stale: bool
    capacity_state: str | None = None
    functional_status: str | None = None
    withheld: bool = Field(
        False,
        description="Published, and shown to nobody while its organisation's access is suspended.",
    )
    endorsed_by: list[str] = Field([], description="Areas of responsibility that endorse it.")


class RecordPage(BaseModel):
    items: list[RecordLine]
    next_cursor: str | None = None
