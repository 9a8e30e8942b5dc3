"""Which turn of its writers the projection has. In `public`: it goes on when a rebuild is swapped in."""

import sqlalchemy as sa

from reporting.tables import METADATA

projection_turns = sa.Table(
    "projection_turns",
    METADATA,
    # One row. A trigger moves it on with every row of the inbox and every closed period; a swap does so itself.
    sa.Column("one", sa.Boolean, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
)
