"""Tasks of an organisation."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class Task(Row, table=True):
    __tablename__ = "tasks"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    kind: str
    case_id: UUID | None = None
    referral_id: UUID | None = None
    due_on: date | None = None
    created_at: datetime = Field(sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)
    done_by: str | None = None
