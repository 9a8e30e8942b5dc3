"""No names of organisations: events carry ids and codes only."""

from alembic import op

revision = "0024"
down_revision = "0023"

SCHEMAS = ("projection", "projection_shadow")


def upgrade() -> None:
    for schema in SCHEMAS:
        op.drop_column("services", "organisation_name", schema=schema)
