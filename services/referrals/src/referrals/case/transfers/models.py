"""Transfers. A unique index allows at most one open transfer per case."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class Transfer(Row, table=True):
    __tablename__ = "transfers"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    from_organisation: UUID
    to_organisation: UUID
    # None for an offer from a succession, because the person decides before the recipient accepts.
    grant_id: UUID | None = None
    state: str
    version: int
    reason: str | None = None
    need: str | None = None
    urgency: str | None = None
    why: str | None = None
    offered_at: datetime = Field(sa_type=Instant)
    offered_by: str
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_by: str | None = None
