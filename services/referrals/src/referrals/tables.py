"""This service's table registry, its column types, and the tables that every service has."""

from uuid import UUID

import sqlalchemy as sa
from common.db.clock_looks import clock_looks
from common.db.ended_rights import ended_rights
from common.db.tables import common_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

metadata = sa.MetaData()
COMMON = common_tables(metadata)
ENDED_RIGHTS = ended_rights(metadata)
CLOCK_LOOKS = clock_looks(metadata)


class Row(SQLModel, registry=registry(metadata=metadata)):
    """The base class of this service's mapped tables. Its own registry keeps the services apart."""


class Instant(sa.DateTime):
    """timestamptz."""

    def __init__(self) -> None:
        super().__init__(timezone=True)


class Texts(ARRAY[str]):
    """text[]."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(sa.Text)


class Ids(ARRAY[UUID]):
    """uuid[]."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(sa.Uuid)


class Json(JSONB):
    """A jsonb column, in which None is NULL, not JSON null."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)
