"""Case tables. Two sealed columns, `identity` and `attributes`, contain everything personal."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class Case(Row, table=True):
    __tablename__ = "cases"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    reference: str
    version: int
    status: str
    area: str | None = None
    country: str
    minor: bool | None = None
    caregiver: str
    identity: bytes | None = None
    attributes: bytes | None = None
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    assigned_to: str | None = None
    changed_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closure_reason: str | None = None
    retain_until: date | None = None
    word: str | None = None
    erased_at: datetime | None = Field(default=None, sa_type=Instant)


class CaseLookup(Row, table=True):
    __tablename__ = "case_lookups"

    case_id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(primary_key=True)
    digest: bytes = Field(primary_key=True)


class ImplicatedOrganisation(Row, table=True):
    __tablename__ = "implicated_organisations"

    case_id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(primary_key=True)
    marked_at: datetime = Field(sa_type=Instant)
    marked_by: str
