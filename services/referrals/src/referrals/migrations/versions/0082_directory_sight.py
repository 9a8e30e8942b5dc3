"""Who sees a service and in which country it is.

What is known by now was told without it. Its countries are read from its areas, as until now; who
sees it stays as narrow as what is known allows until the directory tells of it again.
"""

from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE directory_services ADD COLUMN managed_by uuid")
    op.execute("ALTER TABLE directory_services ADD COLUMN states text[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE directory_services ADD COLUMN countries text[] NOT NULL DEFAULT '{}'")
    # A P-code begins with its country.
    op.execute(
        "UPDATE directory_services SET countries ="
        " ARRAY(SELECT DISTINCT left(area, 2) FROM unnest(areas) AS a(area) ORDER BY 1)"
    )


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
