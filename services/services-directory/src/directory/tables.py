"""The service's metadata, its column types, and its own instances of the tables that every service has."""

from typing import Any

import sqlalchemy as sa
from common.db.clock_looks import clock_looks
from common.db.ended_rights import ended_rights
from common.db.tables import common_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

METADATA = sa.MetaData()
COMMON = common_tables(METADATA)
ENDED_RIGHTS = ended_rights(METADATA)
CLOCK_LOOKS = clock_looks(METADATA)

TEXTS = ARRAY(sa.Text)
INSTANT = sa.DateTime(timezone=True)


class Xid8(sa.types.UserDefinedType[str]):
    """A transaction id, transferred as text because drivers do not know this type."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Point(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "point"


def record_columns() -> list[sa.Column[Any]]:
    """Return the columns that every record has: its document, its manager, its lowest visibility level."""
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("managed_by", sa.Uuid, nullable=False),
        sa.Column("visibility", sa.SmallInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=False),
    ]
