"""Keeps the search vector inside its row, and finds services that begin above a level."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Ranking reads the vector of everything that matches: out of line that is seven blocks for
    # each instead of one. Rows that are there already move in when they are next written.
    op.execute("ALTER TABLE service_documents ALTER COLUMN vector SET STORAGE MAIN")
    # How much a caller sees is what is at its base level and what begins above that.
    op.execute(
        "CREATE INDEX service_documents_confidential ON service_documents (visibility)"
        " WHERE visibility > 1"
    )


def downgrade() -> None:
    op.execute("DROP INDEX service_documents_confidential")
    op.execute("ALTER TABLE service_documents ALTER COLUMN vector SET STORAGE EXTENDED")
