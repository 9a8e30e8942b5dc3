"""Audit entries and the head of each chain. The database links them (migration 0001)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Json, Row


class AuditEntry(Row, table=True):
    __tablename__ = "audit_entries"

    chain: UUID = Field(primary_key=True)
    sequence: int = Field(primary_key=True, sa_column_kwargs={"server_default": "0"})
    id: UUID
    at: datetime = Field(sa_type=Instant)
    organisation_id: UUID | None = None
    client: str
    action: str
    target_type: str
    target_id: UUID
    detail: dict[str, Any] = Field(sa_type=Json)
    sealed: bytes | None = None
    previous: bytes
    hash: bytes


class AuditHead(Row, table=True):
    __tablename__ = "audit_heads"

    chain: UUID = Field(primary_key=True)
    sequence: int
    hash: bytes


class Restore(Row, table=True):
    """A backup was restored `at` this time. Reads between `kept_until` and `at` are missing from the record."""

    __tablename__ = "restores"

    at: datetime = Field(primary_key=True, sa_type=Instant)
    kept_until: datetime = Field(sa_type=Instant)
