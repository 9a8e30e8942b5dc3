"""Escalations raised by timers, and calls to late organisations."""

from datetime import datetime
from uuid import UUID

from common.db.endings import TOLD_KEPT, Ending
from sqlmodel import Field

from referrals.tables import Instant, Row


class Escalation(Row, table=True):
    __tablename__ = "escalations"

    referral_id: UUID = Field(primary_key=True)
    clock: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    due_at: datetime = Field(primary_key=True, sa_type=Instant)
    fired_at: datetime = Field(sa_type=Instant)


class LateCall(Row, table=True):
    """A coordinator's call to a late organisation, and the answer."""

    __tablename__ = "late_calls"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    aor: str
    outcome: str
    called_at: datetime = Field(sa_type=Instant)
    called_by: str


_calls = LateCall.metadata.tables["late_calls"]
ENDING = Ending(_calls, _calls.c.called_at, TOLD_KEPT)
