"""People's channels, their messages, and the on-call rota."""

from datetime import datetime, time, timedelta
from uuid import UUID

import sqlalchemy as sa
from common.db.endings import Ending
from sqlmodel import Field

from referrals.tables import Instant, Row


class Channel(Row, table=True):
    """A channel. `address`: sealed; for push, the whole subscription. `address_digest`: for comparison. `code_digest`:
    until confirmed. `attempts`, `next_attempt_at`: for sending the code."""

    __tablename__ = "channels"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    person: str
    kind: str
    address: bytes
    address_digest: bytes
    shown: str
    language: str
    pace: str
    wakes: bool
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_at: time
    active: bool
    switched_off: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    code_wanted: bool
    code_digest: bytes | None = None
    code_until: datetime | None = Field(default=None, sa_type=Instant)
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    attempts: int
    next_attempt_at: datetime = Field(sa_type=Instant)
    failure: str | None = None
    created_at: datetime = Field(sa_type=Instant)


class Ping(Row, table=True):
    """A notice for a channel, sent once. Several due pings share one message, `message_id`. `next_attempt_at` is the
    time of the next of `attempts`, or the end of the lease during an attempt."""

    __tablename__ = "pings"

    id: UUID = Field(primary_key=True)
    channel_id: UUID
    organisation_id: UUID
    notice_id: UUID
    emergency: bool
    status: str
    due_at: datetime = Field(sa_type=Instant)
    message_id: UUID | None = None
    attempts: int = 0
    next_attempt_at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)


class Shift(Row, table=True):
    """A person on call for an organisation's emergencies. The person with the lowest rank is notified first."""

    __tablename__ = "on_call"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    person: str
    rank: int
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    created_by: str


class CodeAsked(Row, table=True):
    """A request for a code to this address. It outlives the channel, so that removing a channel allows no further
    messages to a stranger."""

    __tablename__ = "codes_asked"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID
    person: str
    address_digest: bytes
    asked_at: datetime = Field(sa_type=Instant)


_codes = CodeAsked.metadata.tables["codes_asked"]
_pings = Ping.metadata.tables["pings"]
_shifts = Shift.metadata.tables["on_call"]
ENDINGS = (
    # Shorter than the retention of the notices that pings refer to.
    Ending(_pings, _pings.c.settled_at, timedelta(days=30)),
    Ending(_codes, _codes.c.asked_at, timedelta(days=2)),
    Ending(_shifts, _shifts.c.ends_at, timedelta(days=90)),
)


def waiting() -> sa.ColumnElement[bool]:
    """Return the condition for messages without an outcome."""
    return _pings.c.settled_at.is_(None)
