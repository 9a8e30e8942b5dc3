"""Protocols between two countries, or between two organisations in them."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row, Texts


class Protocol(Row, table=True):
    __tablename__ = "protocols"

    id: UUID = Field(primary_key=True)
    from_country: str
    to_country: str
    from_organisation: UUID | None = None
    to_organisation: UUID | None = None
    categories: list[str] | None = Field(default=None, sa_type=Texts)
    valid_from: date
    valid_until: date | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
