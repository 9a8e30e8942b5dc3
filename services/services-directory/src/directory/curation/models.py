"""The table of reminders."""

import sqlalchemy as sa
from common.db.endings import TOLD_KEPT, Ending

from directory.tables import INSTANT, METADATA

VERIFICATION_DUE = "verification_due"
VERIFICATION_EXPIRED = "verification_expired"
CAPACITY_DOUBTED = "capacity_doubted"

reminders = sa.Table(
    "reminders",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("service_id", sa.Uuid, nullable=False),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("created_at", INSTANT, nullable=False),
)

# The newest reminder covered by an e-mail, and the digest of a mailbox that rejects e-mail.
reminder_mails = sa.Table(
    "reminder_mails",
    METADATA,
    sa.Column("organisation_id", sa.Uuid, primary_key=True),
    sa.Column("told_until", INSTANT),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", INSTANT, nullable=False),
    sa.Column("refused", sa.LargeBinary),
)

_later = reminders.alias("later")
# An entry's last reminder stays until the entry is verified.
ENDING = Ending(
    reminders,
    reminders.c.due_on,
    TOLD_KEPT,
    sa.exists().where(
        _later.c.service_id == reminders.c.service_id, _later.c.due_on > reminders.c.due_on
    ),
)
