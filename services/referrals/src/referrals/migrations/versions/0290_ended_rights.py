"""Whose rights have ended, as the front tells it; and who answers for a webhook, where whoever added it has gone."""

import sqlalchemy as sa
from alembic import op
from common.db.ended_rights import create_ended_rights

revision = "0290"
down_revision = "0281"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ended_rights(op)
    op.add_column("webhooks", sa.Column("kept_by", sa.Text))


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
