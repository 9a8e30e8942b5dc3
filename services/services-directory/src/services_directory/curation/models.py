"""Tables of curation: field-level history, the log of restricted reads, reminders."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services_directory.services.models import INSTANT
from services_directory.tables import METADATA

VERIFICATION_DUE = "verification_due"
VERIFICATION_EXPIRED = "verification_expired"
CAPACITY_DOUBTED = "capacity_doubted"

history = sa.Table(
    "history",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entity_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("pointer", sa.Text, nullable=False),
    sa.Column("old", JSONB(none_as_null=True)),
    sa.Column("new", JSONB(none_as_null=True)),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("at", INSTANT, nullable=False),
)

restricted_reads = sa.Table(
    "restricted_reads",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("service_id", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Uuid),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("at", INSTANT, nullable=False),
)

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
