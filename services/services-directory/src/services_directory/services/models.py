"""Tables of services: the records, the stored documents of each level, the change log."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, INT4MULTIRANGE, JSONB, TSVECTOR

from services_directory.tables import METADATA

TEXTS = ARRAY(sa.Text)
INSTANT = sa.DateTime(timezone=True)


class Xid8(sa.types.UserDefinedType[str]):
    """A transaction id; travels as text, because drivers know no such type."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Point(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "point"


def record_columns() -> list[sa.Column[Any]]:
    """What every record has: its document, who manages it, from which level it is seen."""
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("managed_by", sa.Uuid, nullable=False),
        sa.Column("visibility", sa.SmallInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=False),
    ]


services = sa.Table(
    "services",
    METADATA,
    *record_columns(),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("approved", JSONB(none_as_null=True)),
    sa.Column("aors", TEXTS, nullable=False),
    sa.Column("states", TEXTS, nullable=False),
    sa.Column("valid_until", sa.Date),
    sa.Column("stale", sa.Boolean, nullable=False),
    sa.Column("reminded_on", sa.Date),
    sa.Column("event_version", sa.BigInteger, nullable=False),
    sa.Column("announced", JSONB(none_as_null=True)),
    sa.Column("merged_into", sa.Uuid),
    sa.Column("plain_name", sa.Text, nullable=False),
    sa.Column("phone_digits", TEXTS, nullable=False),
)

service_locations = sa.Table(
    "service_locations",
    METADATA,
    sa.Column("service_id", sa.Uuid, primary_key=True),
    sa.Column("location_id", sa.Uuid, primary_key=True),
)


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
    # full_body[:core_length] + "}" is the service without its sites
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
    sa.Column("open_minutes", INT4MULTIRANGE, nullable=False),
    sa.Column("quality", sa.REAL, nullable=False),
)

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
