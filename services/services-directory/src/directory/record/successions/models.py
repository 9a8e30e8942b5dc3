"""The table of successions."""

import sqlalchemy as sa

from directory.tables import INSTANT, METADATA, TEXTS

successions = sa.Table(
    "successions",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("successor_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("service_ids", sa.ARRAY(sa.Uuid), nullable=False),
    sa.Column("areas", TEXTS, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("proposed_at", INSTANT, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", INSTANT),
)
