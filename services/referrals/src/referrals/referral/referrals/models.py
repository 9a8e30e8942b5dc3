"""Referral tables: current state, granted snapshot, and every step."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Ids, Instant, Json, Row, Texts


class Referral(Row, table=True):
    __tablename__ = "referrals"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    from_organisation: UUID
    to_organisation: UUID
    service_id: UUID
    category: str
    aor: str
    urgency: str
    state: str
    state_before_hold: str | None = None
    version: int
    area: str | None = None
    grant_id: UUID | None = None
    exception_id: UUID | None = None
    former_grants: list[UUID] | None = Field(default=None, sa_type=Ids)
    """Earlier consents of this referral; withdrawing one of them ends it too."""
    consent_told: str | None = None
    """The last notice to both sides about the end of the consent: `ending` or `ended`."""
    replaces: UUID | None = None
    acknowledge_by: datetime | None = Field(default=None, sa_type=Instant)
    decide_by: datetime | None = Field(default=None, sa_type=Instant)
    clinical_deadline: datetime | None = Field(default=None, sa_type=Instant)
    unshared_deadline: datetime | None = Field(default=None, sa_type=Instant)
    """The clinical deadline if the grant does not cover it: only the sender sees it."""
    expected_on: date | None = None
    review_on: date | None = None
    act_by: datetime | None = Field(default=None, sa_type=Instant)
    appointment_at: datetime | None = Field(default=None, sa_type=Instant)
    reminded_of: datetime | None = Field(default=None, sa_type=Instant)
    """The appointment of which both sides were reminded."""
    reason: str | None = None
    outcome: str | None = None
    late: bool = False
    service_flag: str | None = None
    suggested_service_id: UUID | None = None
    feedback_confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    feedback_confirmed_by: str | None = None
    held_still: dict[str, Any] | None = Field(default=None, sa_type=Json)
    draft: bytes | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)
    unheard_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when it is known that no notice reached anybody at the recipient."""


class Snapshot(Row, table=True):
    """The content for the recipient. It is written once at sending and never changes; revoking ends access."""

    __tablename__ = "snapshots"

    referral_id: UUID = Field(primary_key=True)
    case_id: UUID
    to_organisation: UUID
    items: list[str] = Field(sa_type=Texts)
    sealed: bytes | None = None
    created_at: datetime = Field(sa_type=Instant)
    readable_until: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class Step(Row, table=True):
    __tablename__ = "referral_steps"

    referral_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    command: str
    from_state: str | None = None
    to_state: str
    at: datetime = Field(sa_type=Instant)
    organisation_id: UUID | None = None
    client: str
    reason: str | None = None
    outcome: str | None = None
    late: bool
    detail: bytes | None = None
