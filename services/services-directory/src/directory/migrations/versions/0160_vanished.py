"""Entries that a publisher's next file no longer holds; which changes of an entry came with a file."""

import sqlalchemy as sa
from alembic import op

revision = "0160"
down_revision = "0150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("history", sa.Column("source", sa.Text))
    op.execute("ALTER TABLE import_rows DROP CONSTRAINT import_verdict")
    op.execute(
        "ALTER TABLE import_rows ADD CONSTRAINT import_verdict"
        " CHECK (verdict IN ('accepted', 'changed', 'refused', 'vanished')) NOT VALID"
    )
    op.execute("ALTER TABLE import_rows VALIDATE CONSTRAINT import_verdict")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
