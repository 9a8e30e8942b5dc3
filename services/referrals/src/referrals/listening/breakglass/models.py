"""Emergency access requests and opened accesses."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class BreakGlass(Row, table=True):
    __tablename__ = "break_glass"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    organisation_id: UUID
    holder_organisation_id: UUID
    reason: bytes | None = None
    status: str
    requested_by: str
    requested_at: datetime = Field(sa_type=Instant)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
