"""Whose rights are known."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row, Texts


class KnownPerson(Row, table=True):
    """A person or a client that is active. `said_at`: when the issuer said so, by its own clock; None: read from a
    token, because an outside provider tells nothing about people."""

    __tablename__ = "known_people"

    subject: str = Field(primary_key=True)
    organisation_id: UUID
    roles: list[str] = Field(sa_type=Texts)
    scopes: list[str] = Field(sa_type=Texts)
    aors: list[str] = Field(sa_type=Texts)
    areas: list[str] = Field(sa_type=Texts)
    said_at: datetime | None = Field(default=None, sa_type=Instant)
