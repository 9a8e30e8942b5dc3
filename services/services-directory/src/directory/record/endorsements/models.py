"""The table of endorsements."""

import sqlalchemy as sa

from directory.tables import METADATA

endorsements = sa.Table(
    "endorsements",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("aor", sa.Text, primary_key=True),
    sa.Column("endorsed_by", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("endorsed_at", sa.DateTime(timezone=True), nullable=False),
)
