"""Statements of problem trees and SWOT lists, beside the published figures that they cite."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0181"
down_revision = "0180"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "statements",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("analysis", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("parent", sa.Uuid, sa.ForeignKey("statements.id")),
        sa.Column("text", pg.JSONB, nullable=False),
        sa.Column("cited", pg.JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("agreed_at", TIME),
        sa.Column("agreed_by", sa.Text),
        sa.CheckConstraint("agreed_by <> written_by", name="statements_two_people"),
    )
    op.create_index(
        "statements_one_core",
        "statements",
        ["analysis"],
        unique=True,
        postgresql_where=sa.text("place = 'core-problem'"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
