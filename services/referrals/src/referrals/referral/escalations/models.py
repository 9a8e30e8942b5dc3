"""Escalations that timers fired."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class Escalation(Row, table=True):
    __tablename__ = "escalations"

    referral_id: UUID = Field(primary_key=True)
    clock: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    due_at: datetime = Field(primary_key=True, sa_type=Instant)
    fired_at: datetime = Field(sa_type=Instant)
