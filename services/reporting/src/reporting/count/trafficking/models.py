"""Facts about identification and assistance. They depend only on the set of events."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from reporting.tables import METADATA, PROJECTION

identification_facts = sa.Table(
    "identification_facts",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("occurred_on", sa.Date, nullable=False),
    sa.Column("counted_on", sa.Date, nullable=False),
    sa.Column("person", sa.LargeBinary(16)),
    sa.Column("organisation", sa.Uuid, nullable=False),
    sa.Column("judgement", sa.Text),
    sa.Column("assistance_type", sa.Text),
    sa.Column("area", sa.Text),
    sa.Column("countable", sa.Boolean, nullable=False),
    sa.Column("sex", sa.Text),
    sa.Column("age_band", sa.Text),
    sa.Column("exploitation_types", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("origin", sa.Text),
    sa.Column("transit", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("destination", sa.Text),
    schema=PROJECTION,
)
