"""What other forms than our own lists may search for: FHIR, for one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class Searchable:
    """What a caller may read of one kind.

    `rows` selects exactly the rows that the caller's single reads show. `columns` are the fields to search by, as
    the caller sees them, `id` among them.
    """

    rows: sa.Select[Any]
    columns: Mapping[str, sa.ColumnElement[Any]]
