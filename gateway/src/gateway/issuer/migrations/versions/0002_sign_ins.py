"""Sign-ins as rows of their own; what the browser client may ask for; secrets out of stored answers.

A sign-in that an instance of the former release begins while both run has no row: it ends with its
access token, and the person signs in again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("client_id", sa.Text, sa.ForeignKey("clients.id"), nullable=False),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id"), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    for column in ("person_id", "client_id"):
        op.create_index(f"sign_ins_{column}", "sign_ins", [column])
    op.execute(
        "INSERT INTO sign_ins (id, client_id, person_id, signed_in_at)"
        " SELECT DISTINCT ON (family) family, client_id, person_id, signed_in_at"
        " FROM refresh_tokens ORDER BY family, signed_in_at"
    )
    # The browser client: people of every organisation sign in through it.
    op.execute(
        "UPDATE clients SET scopes = ARRAY['directory:read', 'directory:write', 'directory:curate',"
        " 'referrals:read', 'referrals:write', 'reports:read', 'reports:publish', 'admin']"
        " WHERE organisation_id IS NULL AND scopes = '{}'"
    )
    op.execute(
        "DELETE FROM stored_results WHERE route IN"
        " ('POST /identity/v1/clients', 'POST /identity/v1/people')"
        " OR route LIKE 'POST /identity/v1/%/secret' OR route LIKE 'POST /identity/v1/%/credentials'"
    )
