"""Tables for trainings and certificates."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class Training(Row, table=True):
    """A training that took place. It records participant numbers, never names."""

    __tablename__ = "trainings"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    version: int
    topic: str
    area: str
    starts_on: date
    ends_on: date
    sessions: int
    women: int
    men: int
    others: int
    cancelled: bool
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    changed_at: datetime = Field(sa_type=Instant)


class Certificate(Row, table=True):
    """A certificate. `holder` is an account (its subject) or a staff code of the organisation, not a name."""

    __tablename__ = "certificates"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    holder: str
    topic: str
    training_id: UUID | None = None
    certified_on: date
    valid_until: date
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_reason: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
