"""The metadata of the issuer's database, and its tables that have no capability of their own."""

import sqlalchemy as sa
from common.tables import common_tables

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)
