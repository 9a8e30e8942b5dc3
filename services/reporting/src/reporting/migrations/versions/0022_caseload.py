"""Facts and counters of the caseload, in the projection and its shadow."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

SCHEMAS = ("projection", "projection_shadow")


def upgrade() -> None:
    for schema in SCHEMAS:
        op.create_table(
            "caseload_facts",
            sa.Column("event_id", sa.Uuid, primary_key=True),
            sa.Column("what", sa.Text, nullable=False),
            sa.Column("occurred_on", sa.Date, nullable=False),
            sa.Column("organisation", sa.Uuid),
            sa.Column("other_organisation", sa.Uuid),
            sa.Column("area", sa.Text),
            sa.Column("detail", sa.Text),
            schema=schema,
        )
        op.create_table(
            "caseload_counters",
            sa.Column("scope", sa.Text, primary_key=True),
            sa.Column("scope_id", sa.Text, primary_key=True),
            sa.Column("month", sa.Date, primary_key=True),
            sa.Column("area", sa.Text, primary_key=True),
            sa.Column("what", sa.Text, primary_key=True),
            sa.Column("count", sa.BigInteger, nullable=False),
            schema=schema,
        )
