"""What publishers' own terms stand for, which services carry them, what that added."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0170"
down_revision = "0160"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crosswalk_terms",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("taxonomy", sa.Text, nullable=False),
        sa.Column("term", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("categories", pg.ARRAY(sa.Text)),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("source", "taxonomy", "term", name="crosswalk_terms_key"),
        sa.CheckConstraint(
            "(categories IS NULL) = (decided_by IS NULL)", name="crosswalk_terms_decided"
        ),
    )
    op.create_table(
        "crosswalk_services",
        sa.Column("service_id", sa.Uuid, primary_key=True),
        sa.Column("term_id", sa.Uuid, primary_key=True),
    )
    op.create_index("crosswalk_services_of_term", "crosswalk_services", ["term_id"])
    op.create_table(
        "crosswalk_additions",
        sa.Column("service_id", sa.Uuid, primary_key=True),
        sa.Column("categories", pg.ARRAY(sa.Text), nullable=False),
    )
    op.create_table(
        "crosswalk_waiting",
        sa.Column("service_id", sa.Uuid, primary_key=True),
        sa.Column("principal", pg.JSONB, nullable=False),
    )


def downgrade() -> None:
    for table in ("waiting", "additions", "services", "terms"):
        op.drop_table(f"crosswalk_{table}")
