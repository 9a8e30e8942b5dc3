"""This service's table registry, column types, and the tables that every service has."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Self

import sqlalchemy as sa
from common.ended_rights import ended_rights
from common.tables import common_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

metadata = sa.MetaData()
COMMON = common_tables(metadata)
ENDED_RIGHTS = ended_rights(metadata)


class Row(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's mapped tables; a registry of its own keeps services apart."""

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A row as if it had been read: of values that are right, on a path that is measured. Made field by
        field, it asks the mapper about each of them, and nobody wants to know what was changed: a mapped
        table checks no value anyway. What is not named has its default; a name too many or too few is refused."""
        new, names, defaults = _made(cls)
        whole = {**defaults, **values}
        if whole.keys() != names:
            raise TypeError(f"{cls.__name__}: {sorted(whole.keys() ^ names)}")
        row: Self = new()
        row.__dict__.update(whole)
        return row

    def __setattr__(self, name: str, value: Any) -> None:
        # The mapper's own way, which keeps it: SQLModel would ask twice what it is, and write down that it was set.
        if name in _made(type(self))[1]:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


@cache
def _made(kind: type[Any]) -> tuple[Callable[[], Any], AbstractSet[str], dict[str, Any]]:
    """What makes a row of it with nothing in it; the names of its fields; what each is if it is not named."""
    fields: dict[str, Any] = kind.model_fields
    defaults = {
        name: field.get_default()
        for name, field in fields.items()
        if not field.is_required() and field.default_factory is None
    }
    return sa.inspect(kind).class_manager.new_instance, fields.keys(), defaults


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
