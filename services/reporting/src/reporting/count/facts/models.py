"""The fact tables. Every row depends on the set of events, never on their order."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA, PROJECTION

PERSON = sa.LargeBinary(16)
"""A pseudonym (see `pseudonyms`), NULL once the person is forgotten."""

referral_steps = sa.Table(
    "referral_steps",
    METADATA,
    sa.Column("referral_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("counted_on", sa.Date, nullable=False),
    sa.Column("person", PERSON),
    sa.Column("from_organisation", sa.Uuid),
    sa.Column("to_organisation", sa.Uuid),
    sa.Column("category", sa.Text),
    sa.Column("aor", sa.Text),
    sa.Column("area", sa.Text),
    sa.Column("urgency", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("countable", sa.Boolean, nullable=False),
    sa.Column("sex", sa.Text),
    sa.Column("age_band", sa.Text),
    schema=PROJECTION,
)

referral_facts = sa.Table(
    "referral_facts",
    METADATA,
    sa.Column("referral_id", sa.Uuid, primary_key=True),
    sa.Column("state_version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("from_organisation", sa.Uuid),
    sa.Column("to_organisation", sa.Uuid),
    sa.Column("category", sa.Text),
    sa.Column("aor", sa.Text),
    sa.Column("area", sa.Text),
    sa.Column("sent_at", sa.DateTime(timezone=True)),
    sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
    sa.Column("accepted_at", sa.DateTime(timezone=True)),
    sa.Column("delivered_at", sa.DateTime(timezone=True)),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    sa.Column("escalated_version", sa.Integer, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    schema=PROJECTION,
)

reporting_grants = sa.Table(
    "reporting_grants",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("person", PERSON),
    sa.Column("given_at", sa.DateTime(timezone=True)),
    sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
    schema=PROJECTION,
)

forgotten_persons = sa.Table(
    "forgotten_persons",
    METADATA,
    # A one-way mark of an erased person's pseudonym, so that a late event does not bring the person back.
    sa.Column("mark", sa.LargeBinary(16), primary_key=True),
    schema=PROJECTION,
)

services = sa.Table(
    "services",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("organisation_id", sa.Uuid, nullable=False),
    sa.Column("categories", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("aors", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("areas", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("listed", sa.Boolean, nullable=False),
    sa.Column("state_version", sa.Integer, nullable=False),
    sa.Column("capacity_state", sa.Text),
    sa.Column("functional_status", sa.Text),
    sa.Column("referable", sa.Boolean, nullable=False),
    schema=PROJECTION,
)

gap_counts = sa.Table(
    "gap_counts",
    METADATA,
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("need", sa.Text, primary_key=True),
    sa.Column("group", sa.Text, primary_key=True),
    # The day. Rows from before daily publication contain the ISO week.
    sa.Column("week", sa.Text, primary_key=True),
    # A day's counts grow with each version; each increase counts in its own period.
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("counted_on", sa.Date, nullable=False),
    schema=PROJECTION,
)

late_arrivals = sa.Table(
    "late_arrivals",
    METADATA,
    # The day on which a late step counts, because its own period was closed when it arrived. The table is outside the
    # projection, because a rebuild needs it to produce the same rows.
    sa.Column("event_id", sa.Uuid, primary_key=True),
    sa.Column("counted_on", sa.Date, nullable=False),
)
