"""The metadata that all tables of reporting belong to.

Tables in the schema `projection` are derived from events only and can be rebuilt from them;
tables in `public` are the service's own record (releases, sign-offs, audited reads).
"""

import sqlalchemy as sa
from common.db.ended_rights import ended_rights
from common.db.tables import common_tables

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)
ENDED_RIGHTS = ended_rights(METADATA)

PROJECTION = "projection"
SHADOW = "projection_shadow"
"""A rebuild fills the shadow while the projection keeps answering, then both swap names."""

WRITER_LOCK = 0x52555450
"""Advisory lock of whoever changes the projection: counters are shared rows, and a swap waits."""

SAYS_SOMETHING = "says_something"
"""In a table's `info`: from its columns to the condition of rows that say anything at all."""
