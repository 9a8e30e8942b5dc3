"""Caseload facts and their counters. No row identifies a case or a person."""

import sqlalchemy as sa

from reporting.tables import METADATA, PROJECTION

caseload_facts = sa.Table(
    "caseload_facts",
    METADATA,
    # The event's id is the key, so a repeated event counts once and no case id is stored.
    sa.Column("event_id", sa.Uuid, primary_key=True),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("occurred_on", sa.Date, nullable=False),
    sa.Column("organisation", sa.Uuid),
    sa.Column("other_organisation", sa.Uuid),
    sa.Column("area", sa.Text),
    sa.Column("detail", sa.Text),
    schema=PROJECTION,
)

caseload_counters = sa.Table(
    "caseload_counters",
    METADATA,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("scope_id", sa.Text, primary_key=True),
    sa.Column("month", sa.Date, primary_key=True),
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    schema=PROJECTION,
)
