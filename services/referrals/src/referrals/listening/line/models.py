"""Tables of the anonymous line. Texts are sealed twice; no column reveals who wrote, or from where."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from referrals.tables import Instant, Row, Texts


class Ids(ARRAY[UUID]):
    """uuid[]."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(sa.Uuid)


class LineReport(Row, table=True):
    __tablename__ = "line_reports"

    id: UUID = Field(primary_key=True)
    locator: bytes
    public_key: bytes
    reporter_key: bytes
    kind: str
    aor: str
    area: str | None = None
    urgent: bool
    wants_case: bool
    language: str
    status: str
    suspected: list[str] = Field(sa_type=Texts)
    text_digest: bytes | None = None
    implicated: list[UUID] = Field(sa_type=Ids)
    messages: int
    received_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    taken_by: str | None = None
    taken_organisation: UUID | None = None
    closed_reason: str | None = None
    handed_to: UUID | None = None
    handed_basis: str | None = None
    handed_at: datetime | None = Field(default=None, sa_type=Instant)
    case_id: UUID | None = None


class LineMessage(Row, table=True):
    __tablename__ = "line_messages"

    report_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    author: str
    desk_copy: bytes
    reporter_copy: bytes
    at: datetime = Field(sa_type=Instant)


class LineException(Row, table=True):
    """A hand-over without the reporter's wish: one person requests it, another decides."""

    __tablename__ = "line_exceptions"

    id: UUID = Field(primary_key=True)
    report_id: UUID
    organisation_id: UUID
    basis: str
    rationale: bytes
    status: str
    requested_by: str
    requested_at: datetime = Field(sa_type=Instant)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
