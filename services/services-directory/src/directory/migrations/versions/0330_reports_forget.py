"""Reports of imports forget where a place was that is restricted by now, as history does: the rows of one service are
found by its id."""

import sqlalchemy as sa
from alembic import op

revision = "0330"
down_revision = "0300"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "import_rows_service",
            "import_rows",
            ["service_id"],
            postgresql_where=sa.text("service_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
    # What was imported before: the worker stores it anew at its start, and its reports forget then.
    op.execute("""
        UPDATE services SET restricted = NULL WHERE jsonb_path_exists(restricted, '$.hidden.* ? (@ == 3)')
    """)


def downgrade() -> None:
    op.drop_index("import_rows_service", table_name="import_rows")
