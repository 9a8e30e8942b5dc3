"""The table of the last look at the clock: one row."""

from datetime import datetime

from sqlmodel import Field

from referrals.tables import Instant, Row


class ClockLook(Row, table=True):
    """See `dates.service.Look`."""

    __tablename__ = "clock_looks"

    one: bool = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    believed_from: datetime = Field(sa_type=Instant)
