"""Whose rights have ended, as the front tells it; and under which claims a task was asked for. NULL: by the release
before, which says who alone."""

import sqlalchemy as sa
from alembic import op
from common.db.ended_rights import create_ended_rights
from sqlalchemy.dialects import postgresql as pg

revision = "0260"
down_revision = "0250"


def upgrade() -> None:
    create_ended_rights(op)
    for table in ("closing_steps", "bulletin_publications"):
        op.add_column(table, sa.Column("claims", pg.JSONB))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
