"""The restriction table: the last entry for each item that was ever restricted."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Json, Row


class Restriction(Row, table=True):
    """A restriction. `word`: see `restrictions.words`. `case_id`: erasing this case deletes the restriction. `version`:
    the directory's version. `told_at`: when it was listed."""

    __tablename__ = "restrictions"

    kind: str = Field(primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    word: dict[str, Any] = Field(sa_type=Json)
    version: int
    case_id: UUID | None = None
    at: datetime = Field(sa_type=Instant)
    told_at: datetime | None = Field(default=None, sa_type=Instant)
