"""A row for each release or bulletin whose withdrawal was requested."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA

_TIME = sa.DateTime(timezone=True)

withdrawals = sa.Table(
    "withdrawals",
    METADATA,
    # The id of the release or bulletin.
    sa.Column("subject", sa.Uuid, primary_key=True),
    sa.Column("reason", pg.JSONB, nullable=False),
    sa.Column("asked_at", _TIME, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    # NULL until a second person agrees.
    sa.Column("withdrawn_at", _TIME),
    sa.Column("withdrawn_by", sa.Text),
)
