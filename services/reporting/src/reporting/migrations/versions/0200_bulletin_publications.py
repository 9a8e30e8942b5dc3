"""Bulletins that are to be published by the worker, and how far it has come."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0200"
down_revision = "0190"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "bulletin_publications",
        sa.Column("bulletin_id", sa.Uuid, sa.ForeignKey("bulletins.id"), primary_key=True),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", TIME),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("problem", pg.JSONB(none_as_null=True)),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
