"""Entries of an organisation whose access is suspended are shown to nobody: `withheld` says so of what is stored, and
the worker looks for those of which it is true no longer."""

import sqlalchemy as sa
from alembic import op

revision = "0300"
down_revision = "0290"
branch_labels = None
depends_on = None

_TABLES = ("services", "organizations")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(
            table,
            sa.Column("withheld", sa.Boolean, nullable=False, server_default=sa.false()),
            if_not_exists=True,
        )
    with op.get_context().autocommit_block():
        for table in _TABLES:
            op.create_index(
                f"{table}_withheld",
                table,
                ["id"],
                postgresql_where=sa.text("withheld"),
                postgresql_concurrently=True,
                if_not_exists=True,
            )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "withheld")
