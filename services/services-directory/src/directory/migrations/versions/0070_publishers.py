"""The ids of publishers are looked up across their spaces.

Revision ID: 0070
"""

from alembic import op

revision = "0070"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "external_ids_given",
            "external_ids",
            ["external_id", "kind"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    op.drop_index("external_ids_given")
