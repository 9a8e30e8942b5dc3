"""Tables of locations, and of the services at each location. Services and organisations contain copies."""

import sqlalchemy as sa

from directory.tables import METADATA, record_columns

locations = sa.Table("locations", METADATA, *record_columns())

service_locations = sa.Table(
    "service_locations",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("location_id", sa.Uuid, primary_key=True),
)
