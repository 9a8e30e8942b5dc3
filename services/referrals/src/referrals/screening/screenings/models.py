"""Screening tables. Two sealed columns, `answers` and `conclusion`, contain everything that a person said."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Json, Row


class InstrumentRow(Row, table=True):
    """An uploaded version; the database rejects any change to it."""

    __tablename__ = "instruments"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    shared: bool
    code: str
    version: str
    document: dict[str, Any] = Field(sa_type=Json)
    sha256: bytes
    created_at: datetime = Field(sa_type=Instant)
    created_by: str


class Retirement(Row, table=True):
    """A retired instrument version: who retired it, and for which organisations."""

    __tablename__ = "instrument_retirements"

    instrument_id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(primary_key=True)
    for_all: bool
    retired_at: datetime = Field(sa_type=Instant)
    retired_by: str


class Screening(Row, table=True):
    """A screening. `events` counts published events; `version` increases with every change."""

    __tablename__ = "screenings"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    case_id: UUID | None = None
    instrument_id: UUID
    status: str
    version: int
    events: int
    area: str | None = None
    held_at: datetime = Field(sa_type=Instant)
    source: str
    answers: bytes | None = None
    conclusion: bytes | None = None
    judgement: str | None = None
    screener: str | None = None
    stop_reason: str | None = None
    attributes: dict[str, Any] | None = Field(default=None, sa_type=Json)
    referred_at: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    changed_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
