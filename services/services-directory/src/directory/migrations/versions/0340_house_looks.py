"""What may be a safe house is held until somebody looks: the table of who has looked, and every service stored anew at
the worker's start, by the same rule as those to come."""

import sqlalchemy as sa
from alembic import op

revision = "0340"
down_revision = "0330"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = sa.ARRAY(sa.Text)
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "house_looks",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("entity_id", sa.Uuid, primary_key=True),
        sa.Column("organization_id", sa.Uuid),
        sa.Column("words", texts, nullable=False),
        sa.Column("heard", texts, nullable=False, server_default="{}"),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("is_house", sa.Boolean),
        sa.Column("seen_words", texts, nullable=False, server_default="{}"),
        sa.Column("looked_by", sa.Text),
        sa.Column("looked_at", instant),
        if_not_exists=True,
    )
    op.create_index(
        "house_looks_organization", "house_looks", ["organization_id"], if_not_exists=True
    )
    op.execute("UPDATE services SET restricted = NULL WHERE approved IS NOT NULL")


def downgrade() -> None:
    op.drop_table("house_looks")
