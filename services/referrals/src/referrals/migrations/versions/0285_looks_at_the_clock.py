"""What the clock said when it was looked at last: one that leapt erases nobody."""

from alembic import op

revision = "0285"
down_revision = "0290"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE clock_looks (
        one boolean PRIMARY KEY CHECK (one),
        at timestamptz NOT NULL,
        believed_from timestamptz NOT NULL
    )
    """,
    "INSERT INTO clock_looks (one, at, believed_from) VALUES (true, now(), now())",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the record is never dropped; restore a backup instead")
