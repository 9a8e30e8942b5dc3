"""The table of webhooks. It has one row per webhook and no queue: a call says only that something changed."""

import sqlalchemy as sa

from directory.tables import INSTANT, METADATA, Xid8

webhooks = sa.Table(
    "webhooks",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("former_secret", sa.LargeBinary),
    sa.Column("former_until", INSTANT),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("disabled_reason", sa.Text),
    sa.Column("created_at", INSTANT, nullable=False),
    # The account that added it or enabled it last.
    sa.Column("kept_by", sa.Text, nullable=False),
    # The system was told of every change before this position. NULL: call it at once.
    sa.Column("told", Xid8),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", INSTANT, nullable=False),
    sa.Column("called_at", INSTANT),
    sa.Column("answer_status", sa.Integer),
    sa.Column("failure", sa.Text),
)
