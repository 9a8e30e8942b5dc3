"""The table of subscribers."""

from datetime import timedelta

import sqlalchemy as sa
from common.db.endings import Ending

from reporting.tables import METADATA

_TIME = sa.DateTime(timezone=True)
UNCONFIRMED_FOR = timedelta(days=2)

subscribers = sa.Table(
    "subscribers",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("address", sa.LargeBinary, nullable=False),
    sa.Column("address_digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("asked_at", _TIME, nullable=False),
    # Counts e-mails to somebody who may not have requested any.
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("confirm_wanted", sa.Boolean, nullable=False),
    sa.Column("confirmed_at", _TIME),
    # All bulletins published up to this time have been sent.
    sa.Column("told_until", _TIME),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", _TIME, nullable=False),
)

ENDING = Ending(
    subscribers, subscribers.c.asked_at, UNCONFIRMED_FOR, subscribers.c.confirmed_at.is_(None)
)
