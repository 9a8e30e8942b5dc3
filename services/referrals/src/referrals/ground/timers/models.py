"""One timer per open referral, and the deadlines that coordinators set."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row


class Timer(Row, table=True):
    __tablename__ = "timers"

    referral_id: UUID = Field(primary_key=True)
    clock: str
    step: str
    due_at: datetime = Field(sa_type=Instant)


class TimerPolicy(Row, table=True):
    """A coordinator's own deadlines for a pathway; policies.csv contains the defaults."""

    __tablename__ = "timer_policies"

    aor: str = Field(primary_key=True)
    urgency: str = Field(primary_key=True)
    clock: str = Field(primary_key=True)
    window_minutes: int
    supervisor_after_minutes: int
    alternative_after_minutes: int
    expiry_after_minutes: int
    working_time: bool
    changed_at: datetime = Field(sa_type=Instant)
    changed_by: str
