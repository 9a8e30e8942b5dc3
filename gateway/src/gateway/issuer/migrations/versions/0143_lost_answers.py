"""How often a sign-in was given an answer again that had been lost on the way."""

import sqlalchemy as sa
from alembic import op

revision = "0143"
down_revision = "0142"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sign_ins", sa.Column("lost_answers", sa.SmallInteger, nullable=False, server_default="0")
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
