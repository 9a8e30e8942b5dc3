"""Crosswalk tables: each publisher's terms with their decisions, the services with these terms, the categories that
decisions added, and the services that are waiting for the worker."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from directory.tables import INSTANT, METADATA, TEXTS

crosswalk_terms = sa.Table(
    "crosswalk_terms",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("taxonomy", sa.Text, nullable=False),
    sa.Column("term", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    # NULL means undecided; empty means none of our categories.
    sa.Column("categories", TEXTS),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", INSTANT),
    sa.UniqueConstraint("source", "taxonomy", "term", name="crosswalk_terms_key"),
)

crosswalk_services = sa.Table(
    "crosswalk_services",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("term_id", sa.Uuid, primary_key=True),
)

crosswalk_additions = sa.Table(
    "crosswalk_additions",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("categories", TEXTS, nullable=False),
)

crosswalk_waiting = sa.Table(
    "crosswalk_waiting",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("principal", JSONB, nullable=False),
)
