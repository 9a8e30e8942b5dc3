"""The log of restricted reads."""

import sqlalchemy as sa

from directory.tables import INSTANT, METADATA

restricted_reads = sa.Table(
    "restricted_reads",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("service_id", sa.Uuid),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("at", INSTANT, nullable=False),
)
