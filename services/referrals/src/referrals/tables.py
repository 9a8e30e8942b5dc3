"""This service's table registry, column types, and the tables that every service has."""

from functools import cache
from typing import Any, Self

import sqlalchemy as sa
from common.tables import common_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

metadata = sa.MetaData()
COMMON = common_tables(metadata)


class Row(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's mapped tables; a registry of its own keeps services apart."""

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A row as if it had been read: of values that are right, on a path that is measured. Made field by
        field, it asks the mapper about each of them, and nobody wants to know what was changed: a mapped
        table checks no value anyway. What is not named has its default; a name too many or too few is refused."""
        whole = {**_defaults(cls), **values}
        if whole.keys() != cls.model_fields.keys():
            raise TypeError(f"{cls.__name__}: {sorted(whole.keys() ^ cls.model_fields.keys())}")
        row: Self = sa.inspect(cls).class_manager.new_instance()
        row.__dict__.update(whole)
        return row


@cache
def _defaults(kind: type[SQLModel]) -> dict[str, Any]:
    return {
        name: field.get_default()
        for name, field in kind.model_fields.items()
        if not field.is_required() and field.default_factory is None
    }


class Instant(sa.DateTime):
    """timestamptz."""

    def __init__(self) -> None:
        super().__init__(timezone=True)


class Texts(ARRAY[str]):
    """text[]."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(sa.Text)


class Json(JSONB):
    """jsonb; None is NULL, not JSON null."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)
