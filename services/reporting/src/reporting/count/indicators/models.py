"""Counters for each AoR and organisation (derived from events), and the record of their readers."""

import sqlalchemy as sa

from reporting.tables import METADATA, PROJECTION, SAYS_SOMETHING

indicator_counters = sa.Table(
    "indicator_counters",
    METADATA,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("scope_id", sa.Text, primary_key=True),
    sa.Column("month", sa.Date, primary_key=True),
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, primary_key=True),
    sa.Column("vector", sa.ARRAY(sa.BigInteger), nullable=False),
    schema=PROJECTION,
    # A counter of zero is equivalent to a missing counter.
    info={SAYS_SOMETHING: lambda row: sa.literal(0) != sa.any_(row.vector)},
)

indicator_reads = sa.Table(
    "indicator_reads",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
)
