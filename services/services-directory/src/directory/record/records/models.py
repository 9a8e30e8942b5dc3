"""The table of the records of services, as their editors wrote them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from directory.tables import METADATA, TEXTS, record_columns

services = sa.Table(
    "services",
    METADATA,
    *record_columns(),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("approved", JSONB(none_as_null=True)),
    sa.Column("aors", TEXTS, nullable=False),
    sa.Column("states", TEXTS, nullable=False),
    sa.Column("valid_until", sa.Date),
    sa.Column("stale", sa.Boolean, nullable=False),
    sa.Column("reminded_on", sa.Date),
    sa.Column("event_version", sa.BigInteger, nullable=False),
    sa.Column("announced", JSONB(none_as_null=True)),
    # The restrictions in the last event (hsds.restricted); NULL means never announced.
    sa.Column("restricted", JSONB(none_as_null=True)),
    # Published, but hidden while its organisation is suspended (entries.offered).
    sa.Column("withheld", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("merged_into", sa.Uuid),
    sa.Column("plain_name", sa.Text, nullable=False),
    sa.Column("phone_digits", TEXTS, nullable=False),
)
