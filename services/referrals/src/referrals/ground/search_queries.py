"""Searches beyond our own lists, such as FHIR."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class Searchable:
    """The rows of one kind that a caller may read. `rows` selects exactly the rows that single reads would show to the
    caller. `columns` are the searchable fields with the values that the caller sees, including `id`."""

    rows: sa.Select[Any]
    columns: Mapping[str, sa.ColumnElement[Any]]
