"""The table of locations; they are shown inside services and organisations."""

import sqlalchemy as sa

from services_directory.services.models import record_columns
from services_directory.tables import METADATA

locations = sa.Table("locations", METADATA, *record_columns())
