"""The service's metadata and its copies of the tables that every service has."""

import sqlalchemy as sa
from common.tables import common_tables

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)
