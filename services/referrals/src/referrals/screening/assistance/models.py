"""Assistance tables. The rows belong to a case, so the organisation that holds the case sees them."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class PlanItem(Row, table=True):
    __tablename__ = "plan_items"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    organisation_id: UUID
    need: str
    support_type: str
    status: str
    pathway_id: UUID | None = None
    step: str | None = None
    planned_end: date | None = None
    ended_on: date | None = None
    reason: str | None = None
    objective: bytes | None = None
    version: int
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    changed_at: datetime = Field(sa_type=Instant)


class Assistance(Row, table=True):
    __tablename__ = "assistance"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    organisation_id: UUID
    plan_item_id: UUID | None = None
    referral_id: UUID | None = None
    support_type: str
    given_on: date
    provider_organisation: UUID
    amount_band: str | None = None
    modality: str | None = None
    note: bytes | None = None
    version: int
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    entered_in_error_at: datetime | None = Field(default=None, sa_type=Instant)


class CaseReview(Row, table=True):
    __tablename__ = "case_reviews"

    id: UUID = Field(primary_key=True)
    case_id: UUID
    organisation_id: UUID
    due_on: date
    done_on: date | None = None
    outcome: str | None = None
    note: bytes | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    done_by: str | None = None


class CaseRoute(Row, table=True):
    """A route. `sealed`: origin, transit, destination, modes. `statistics`: the person agrees that statistics count
    it."""

    __tablename__ = "case_routes"

    case_id: UUID = Field(primary_key=True)
    organisation_id: UUID
    sealed: bytes
    statistics: bool
    recorded_at: datetime = Field(sa_type=Instant)
    recorded_by: str


class MatchConsent(Row, table=True):
    __tablename__ = "match_consents"

    case_id: UUID = Field(primary_key=True)
    organisation_id: UUID
    decided_by: str
    method: str
    given_at: datetime = Field(sa_type=Instant)
    recorded_by: str


class MatchToken(Row, table=True):
    """Digests under a key that all organisations share, stored only while the person consents."""

    __tablename__ = "match_tokens"

    case_id: UUID = Field(primary_key=True)
    digest: bytes = Field(primary_key=True)


class CaseMatch(Row, table=True):
    """Two cases of two organisations that may concern the same person; `case_a` is the smaller id."""

    __tablename__ = "case_matches"

    id: UUID = Field(primary_key=True)
    case_a: UUID
    case_b: UUID
    status: str
    agreed_a: datetime | None = Field(default=None, sa_type=Instant)
    agreed_b: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
