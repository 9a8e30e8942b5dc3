"""Which turn of its writers the projection has: who read it tells whether it is still what was read.

Triggers move it on, so that a worker of the release before does, too, while both run.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0250"
down_revision = "0200"


def upgrade() -> None:
    role = context.config.attributes["run_time_role"]
    op.create_table(
        "projection_turns",
        sa.Column("one", sa.Boolean, primary_key=True),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.CheckConstraint("one", name="projection_turns_one"),
    )
    op.execute("INSERT INTO projection_turns VALUES (true, 0)")
    op.execute(f"REVOKE INSERT, DELETE, TRUNCATE ON projection_turns FROM {role}")
    op.execute(
        "CREATE FUNCTION projection_turned() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN UPDATE public.projection_turns SET turn = turn + 1; RETURN NULL; END $$"
    )
    # After the statement: it has taken the lock of the projection's writers by then.
    for table in ("inbox", "joint_cubes"):
        op.execute(
            f"CREATE TRIGGER {table}_turns AFTER INSERT ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION projection_turned()"
        )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
