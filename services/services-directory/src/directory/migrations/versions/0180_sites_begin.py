"""How many sites a caller sees is counted by an index: those at its base level, and those that begin above."""

from alembic import op

revision = "0180"
down_revision = "0170"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A site may be kept closer than its service: from now on `visibility` is its own lowest level.
    op.execute("""
        UPDATE site_documents s SET visibility = m.level
        FROM (SELECT site_id, min(level) AS level FROM site_documents GROUP BY site_id) m
        WHERE m.site_id = s.site_id AND m.level <> s.visibility
    """)
    op.execute(
        "CREATE INDEX site_documents_confidential ON site_documents (visibility) WHERE visibility > 1"
    )


def downgrade() -> None:
    op.execute("DROP INDEX site_documents_confidential")
