"""The events of one aggregate are found without reading the whole outbox: erasure needs them."""

from alembic import op

revision = "0143"
down_revision = "0141"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "outbox_aggregate",
            "outbox",
            ["aggregateid"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
