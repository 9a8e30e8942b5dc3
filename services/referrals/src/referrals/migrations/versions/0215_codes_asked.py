"""Codes to addresses are counted apart from the channels that they confirm."""

from alembic import op

revision = "0215"
down_revision = "0211"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE codes_asked (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    person text NOT NULL,
    address_digest bytea NOT NULL,
    asked_at timestamptz NOT NULL
)
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute("CREATE INDEX codes_asked_person ON codes_asked (organisation_id, person)")
    op.execute("CREATE INDEX codes_asked_address ON codes_asked (address_digest)")
    op.execute("CREATE INDEX codes_asked_ending ON codes_asked (asked_at)")
    op.execute("ALTER TABLE codes_asked ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE codes_asked FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY visible ON codes_asked USING ((SELECT caller_organisation()) = organisation_id"
        " OR (SELECT acts_as_service()))"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
