"""Tables of the stored documents at each level, and their change log."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import (
    ARRAY,
    DATERANGE,
    INT4MULTIRANGE,
    INT4RANGE,
    JSONB,
    TSVECTOR,
)

from directory.tables import INSTANT, METADATA, TEXTS, Point, Xid8


def _audience_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("level", sa.SmallInteger, primary_key=True),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("managed_by", sa.Uuid, nullable=False),
        sa.Column("visibility", sa.SmallInteger, nullable=False),
        sa.Column("aors", TEXTS, nullable=False),
        sa.Column("states", TEXTS, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=False),
        sa.Column("sensitive", sa.Boolean, nullable=False),
    ]


service_documents = sa.Table(
    "service_documents",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    *_audience_columns(),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("full_body", sa.LargeBinary, nullable=False),
    # `full_body[:core_length] + "}"` is the service without its sites.
    sa.Column("core_length", sa.Integer, nullable=False),
    sa.Column("list_body", sa.LargeBinary, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("vector", TSVECTOR, nullable=False),
    sa.Column("categories", TEXTS, nullable=False),
    sa.Column("areas", TEXTS, nullable=False),
    sa.Column("within_areas", TEXTS, nullable=False),
    sa.Column("terms", ARRAY(sa.Uuid), nullable=False),
    sa.Column("taxonomies", ARRAY(sa.Uuid), nullable=False),
    sa.Column("languages", TEXTS, nullable=False),
    sa.Column("sexes", TEXTS, nullable=False),
    sa.Column("populations", TEXTS, nullable=False),
    sa.Column("nationalities", TEXTS, nullable=False),
    sa.Column("documents", TEXTS, nullable=False),
    sa.Column("minimum_age", sa.REAL),
    sa.Column("maximum_age", sa.REAL),
    sa.Column("capacity_state", sa.Text),
    sa.Column("functional_status", sa.Text, nullable=False),
    sa.Column("provider_level", sa.Text),
    sa.Column("pre_crisis", sa.Boolean),
    sa.Column("valid_until", sa.Date),
    sa.Column("verified_on", sa.Date),
    sa.Column("referable", sa.Boolean, nullable=False),
    sa.Column("endorsed_by", TEXTS, nullable=False),
    # Minutes of the hours that apply every week. Hours that apply only on some dates are stored with those dates
    # (hsds.opening).
    sa.Column("open_minutes", INT4MULTIRANGE, nullable=False),
    sa.Column("season_days", ARRAY(DATERANGE)),
    sa.Column("season_minutes", ARRAY(INT4RANGE)),
    sa.Column("hours_unread", sa.Boolean, nullable=False),
    sa.Column("quality", sa.REAL, nullable=False),
)
# PostgreSQL generates this column from the document, so the code never writes it.
organization_name = sa.literal_column("service_documents.organization_name", sa.Text)

site_documents = sa.Table(
    "site_documents",
    METADATA,
    sa.Column("site_id", sa.Uuid, primary_key=True),
    sa.Column("service_id", sa.Uuid, nullable=False),
    sa.Column("location_id", sa.Uuid),
    *_audience_columns(),
    sa.Column("full_body", sa.LargeBinary, nullable=False),
    sa.Column("list_body", sa.LargeBinary, nullable=False),
    sa.Column("pcode", sa.Text),
    sa.Column("postcodes", TEXTS, nullable=False),
    sa.Column("point", Point),
)

service_translations = sa.Table(
    "service_translations",
    METADATA,
    sa.Column("level", sa.SmallInteger, primary_key=True),
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    sa.Column("full_body", sa.LargeBinary, nullable=False),
    sa.Column("list_body", sa.LargeBinary, nullable=False),
)

service_changes = sa.Table(
    "service_changes",
    METADATA,
    sa.Column("level", sa.SmallInteger, primary_key=True),
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("managed_by", sa.Uuid, nullable=False),
    sa.Column("aors", TEXTS, nullable=False),
    sa.Column("states", TEXTS, nullable=False),
    sa.Column("xid", Xid8, nullable=False),
    sa.Column("changed_at", INSTANT, nullable=False),
)
