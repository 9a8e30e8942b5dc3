"""The table of risk messages."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from directory.tables import INSTANT, METADATA

risk_messages = sa.Table(
    "risk_messages",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("aor", sa.Text, nullable=False),
    sa.Column("areas", ARRAY(sa.Text), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("texts", JSONB, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("written_at", INSTANT, nullable=False),
    sa.Column("published_by", sa.Text),
    sa.Column("published_at", INSTANT),
    sa.Column("withdrawn_by", sa.Text),
    sa.Column("withdrawn_at", INSTANT),
)
