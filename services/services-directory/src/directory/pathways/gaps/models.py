"""Tables for the gap counter, the stored coverage cells and the population."""

import sqlalchemy as sa
from common.db.endings import TOLD_KEPT, Ending
from sqlalchemy.dialects import postgresql as pg

from directory.tables import METADATA

gap_observations = sa.Table(
    "gap_observations",
    METADATA,
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("need", sa.Text, primary_key=True),
    sa.Column("grp", sa.Text, primary_key=True),
    # The day. Rows from before daily counting contain the ISO week.
    sa.Column("week", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("announced", sa.Integer, nullable=False),
    sa.Column("event_version", sa.BigInteger, nullable=False),
)
# In text form, days and weeks of the same year sort in time order.
ENDING = Ending(
    gap_observations,
    gap_observations.c.week,
    TOLD_KEPT,
    gap_observations.c.count == gap_observations.c.announced,
)

coverage_shares = sa.Table(
    "coverage_shares",
    METADATA,
    sa.Column("service_id", sa.Uuid, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("need", sa.Text, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("visibility", sa.SmallInteger, nullable=False),
    sa.Column("aors", sa.Text, nullable=False),
    sa.Column("groups", pg.ARRAY(sa.Text), nullable=False),
)

coverage_cells = sa.Table(
    "coverage_cells",
    METADATA,
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("need", sa.Text, primary_key=True),
    sa.Column("whole", sa.Boolean, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("visibility", sa.SmallInteger, primary_key=True),
    sa.Column("aors", sa.Text, primary_key=True),
    sa.Column("services", sa.Integer, nullable=False),
    sa.Column("child", sa.Integer, nullable=False),
    sa.Column("woman", sa.Integer, nullable=False),
    sa.Column("man", sa.Integer, nullable=False),
    sa.Column("other", sa.Integer, nullable=False),
)

area_population = sa.Table(
    "area_population",
    METADATA,
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("grp", sa.Text, primary_key=True),
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
)
