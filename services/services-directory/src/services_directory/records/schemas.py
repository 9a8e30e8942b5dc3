"""Lists of records."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel


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


class RecordPage(BaseModel):
    items: list[RecordLine]
    next_cursor: str | None = None
