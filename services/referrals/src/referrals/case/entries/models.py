"""The table of the case record. Only `content` and `file` describe the person; both are sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class CaseEntry(Row, table=True):
    """A case entry. `organisation_id` is the author's organisation, to which the seal is bound."""

    __tablename__ = "case_entries"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    organisation_id: UUID
    kind: str
    version: int
    content: bytes | None = None
    file: bytes | None = None
    due_on: date | None = None
    done_at: datetime | None = Field(default=None, sa_type=Instant)
    linked_case_id: UUID | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    changed_at: datetime = Field(sa_type=Instant)
    changed_by: str
    taken_back_at: datetime | None = Field(default=None, sa_type=Instant)
