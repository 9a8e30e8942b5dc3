"""Tables for grants and exceptions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Json, Row, Texts


class Grant(Row, table=True):
    __tablename__ = "grants"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    organisation_id: UUID
    kind: str
    service_id: UUID | None = None
    recipient_organisation_id: UUID | None = None
    purpose: str | None = None
    items: list[str] = Field(sa_type=Texts)
    decided_by: str
    child_assent: str | None = None
    language: str
    method: str
    given_at: datetime = Field(sa_type=Instant)
    valid_until: datetime | None = Field(default=None, sa_type=Instant)
    version: int
    status: str
    requested_by: str
    approved_by: str | None = None
    approved_at: datetime | None = Field(default=None, sa_type=Instant)
    attributes: dict[str, Any] | None = Field(default=None, sa_type=Json)
    withdrawal_digest: bytes | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawal_method: str | None = None
    created_at: datetime = Field(sa_type=Instant)


class DisclosureException(Row, table=True):
    """Disclosure without the person's consent: two people decide it, and a review list shows it."""

    __tablename__ = "exceptions"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    organisation_id: UUID
    service_id: UUID
    recipient_organisation_id: UUID
    purpose: str
    basis: str
    items: list[str] = Field(sa_type=Texts)
    rationale: bytes | None = None
    person_informed: bool
    status: str
    requested_by: str
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    reviewed_by: str | None = None
    reviewed_at: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
