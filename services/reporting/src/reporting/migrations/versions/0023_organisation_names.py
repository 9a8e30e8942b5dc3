"""The name of a service's organisation, where the public may read it, for the context pack."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

SCHEMAS = ("projection", "projection_shadow")


def upgrade() -> None:
    for schema in SCHEMAS:
        op.add_column("services", sa.Column("organisation_name", sa.Text), schema=schema)
