"""People and clients with known rights."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row, Texts


class KnownPerson(Row, table=True):
    """An active person or client.

    `said_at`: when the issuer confirmed the rights, by the issuer's clock; None if they were read from a token, because
    an outside provider sends no list. `away_from`, `away_until`: the first and last day on which this person wants no
    messages.
    """

    __tablename__ = "known_people"

    subject: str = Field(primary_key=True)
    organisation_id: UUID
    roles: list[str] = Field(sa_type=Texts)
    scopes: list[str] = Field(sa_type=Texts)
    aors: list[str] = Field(sa_type=Texts)
    areas: list[str] = Field(sa_type=Texts)
    said_at: datetime | None = Field(default=None, sa_type=Instant)
    away_from: date | None = None
    away_until: date | None = None
