"""Imports and their row-by-row reports.

Revision ID: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0020"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        # The claims under which a queued file is worked on later.
        sa.Column("principal", pg.JSONB, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("file_size", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("options", pg.JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        # Emptied when the import ends: the file is not kept.
        sa.Column("content", sa.LargeBinary),
        sa.Column("rows_read", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rows_accepted", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rows_changed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rows_refused", sa.Integer, nullable=False, server_default="0"),
        sa.Column("services_created", sa.Integer, nullable=False, server_default="0"),
        sa.Column("services_updated", sa.Integer, nullable=False, server_default="0"),
        sa.Column("services_unchanged", sa.Integer, nullable=False, server_default="0"),
        sa.Column("notes", pg.JSONB, nullable=False, server_default="[]"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("mode IN ('all', 'skip-bad')", name="imports_mode"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'finished', 'refused', 'failed')", name="imports_state"
        ),
    )
    op.create_index(
        "imports_waiting",
        "imports",
        ["created_at"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("imports_by_organisation", "imports", ["organisation_id", "id"])
    op.create_table(
        "import_rows",
        sa.Column(
            "import_id",
            sa.Uuid,
            sa.ForeignKey("imports.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("service_id", sa.Uuid),
        sa.Column("outcome", sa.Text),
        sa.Column("notes", pg.JSONB, nullable=False),
        sa.CheckConstraint("verdict IN ('accepted', 'changed', 'refused')", name="import_verdict"),
    )


def downgrade() -> None:
    op.drop_table("import_rows")
    op.drop_table("imports")
