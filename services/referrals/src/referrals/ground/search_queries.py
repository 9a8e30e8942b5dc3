"""Searches of other forms than our own lists: FHIR, for one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class Searchable:
    """The rows of one kind that a caller may read. `rows` selects exactly the rows that the caller's single reads
    show. `columns`: the searchable fields as the caller sees them, `id` among them."""

    rows: sa.Select[Any]
    columns: Mapping[str, sa.ColumnElement[Any]]
