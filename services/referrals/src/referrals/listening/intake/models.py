"""Intake tables: forms with their mapping, and submissions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Json, Row


class IntakeForm(Row, table=True):
    """A form in a form tool. `secret` is sealed and opens only this form. `makes`: cases, or screenings with an
    instrument."""

    __tablename__ = "intake_forms"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    name: str
    peer: str
    makes: str
    instrument_id: UUID | None = None
    mapping: dict[str, Any] = Field(sa_type=Json)
    secret: bytes
    active: bool
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    changed_at: datetime = Field(sa_type=Instant)


class Submission(Row, table=True):
    """A submission, stored once. `submission_id` is a keyed digest, because the tool's own id identifies the person in
    that tool. `content` is sealed and stored only during quarantine. `reasons` are codes."""

    __tablename__ = "intake_submissions"

    id: UUID = Field(primary_key=True)
    form_id: UUID
    organisation_id: UUID
    submission_id: str
    fingerprint: bytes
    status: str
    reasons: list[str] = Field(sa_type=Json)
    content: bytes | None = None
    screening_id: UUID | None = None
    case_id: UUID | None = None
    received_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)


class SeenRecord(Row, table=True):
    """A record from another system, and its case. `record_id`: a keyed digest of its id there. `person`: a digest of
    the personal data, to detect changes; erased with the case."""

    __tablename__ = "intake_records"

    form_id: UUID = Field(primary_key=True)
    record_id: str = Field(primary_key=True)
    organisation_id: UUID
    case_id: UUID | None = None
    person: bytes | None = None
    created_at: datetime = Field(sa_type=Instant)
