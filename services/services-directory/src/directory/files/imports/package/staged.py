"""A row of a package while it waits for the service that takes it in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

from directory.files.imports.outcomes.fidelity import RowFates
from directory.files.imports.package.fields import OWNERS, tables
from directory.files.imports.package.older import MADE, READ, Row

ANY = "*"
"""Stands for the table of a link that may lead to a row of any."""
_MOST_SHAPES = 4_096


@dataclass(slots=True)
class Staged:
    """`line` is that of the file; `row` holds texts under today's names."""

    table: str
    line: int
    row: Row
    key: int = 0
    """Its number among all rows of the package."""
    link: str = ""
    """The field by which it hangs on the row that it was found from."""
    shape: int = 0
    """The same number for rows that hold the same fields; 0 is for any."""
    made: dict[str, Any] | None = None
    """What it says if there is nothing to tell of it, `told` being the fates of its values."""
    told: RowFates = (0, ())
    whole: bool = False
    """Whether it then has all fields of its own that the standard requires."""

    @property
    def cells(self) -> list[str]:
        """Fields that the file holds."""
        made = self.row.get(MADE, "").split(",")
        return [name for name in self.row if name not in made and not name.startswith("~")]


class Link(NamedTuple):
    """A field that says on which row one hangs. Of several the lowest `rank` counts that leads somewhere;
    `at`: its place among the cells."""

    rank: int
    at: int
    field: str
    parent: str


@dataclass(frozen=True, slots=True, eq=False)  # compared as what it is
class Shape:
    """What rows have in common that hold the same fields: they are kept as their cells alone."""

    number: int
    """0: one of so many kinds that none of them is remembered."""
    table: str
    names: tuple[str, ...]
    id_at: int
    links: tuple[Link, ...]

    def staged(self, key: int, line: int, cells: Sequence[str], link: str = "") -> Staged:
        row = dict(zip(self.names, cells, strict=True))
        return Staged(self.table, line, row, key, link, self.number)


class Shapes:
    """Those that were seen so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, ...], Shape] = {}
        self._by_number: list[Shape] = []
        self.tables: set[str] = set()
        """Those that have a row."""

    def of(self, table: str, row: Mapping[str, str]) -> Shape:
        key = (table, row.get(MADE), row.get(READ), *row)
        found = self._known.get(key)
        if found is None:
            self.tables.add(table)
            if len(self._known) >= _MOST_SHAPES:
                return _shape(0, table, tuple(row))
            found = _shape(len(self._known) + 1, table, tuple(row))
            self._known[key] = found
            self._by_number.append(found)
        return found

    def numbered(self, number: int) -> Shape:
        return self._by_number[number - 1]


def _shape(number: int, table: str, names: tuple[str, ...]) -> Shape:
    links = tuple(
        Link(rank, names.index(field), field, parent)
        for rank, field, parent in _owners(table)
        if field in names
    )
    return Shape(number, table, names, names.index("id"), links)


@cache
def _owners(table: str) -> tuple[tuple[int, str, str], ...]:
    """(rank, field, table) of the rows on which one may hang."""
    fields = ((name, tables()[table].field(name)) for name in OWNERS.get(table, ()))
    return tuple(
        (rank, name, field.references if field and field.references else ANY)
        for rank, (name, field) in enumerate(fields)
    )


def field_of(table: str, rank: int) -> str:
    return _owners(table)[rank][1]


class Gap(NamedTuple):
    """A link that leads nowhere."""

    table: str
    line: int
    field: str
    given: str


class Joined(NamedTuple):
    has_gaps: bool
    crowded: set[str]
    """Ids of rows on which a crowd hangs."""
    leading: set[str]
    """Tables on whose rows others hang."""


class Store(Protocol):
    """Where rows wait. Rows come in with `put`, which numbers them from 1; `join` follows after the last, and all
    else after that. Each answer is made anew: whoever gets a row may write to it."""

    def put(self, shape: Shape, line: int, cells: Sequence[str]) -> None: ...

    def join(self, crowd: int) -> Joined | None:
        """Each row keeps its most exact link that leads somewhere. A `crowd`: so many rows of one table."""

    def replace(self, table: str, row_id: str, shape: Shape, cells: Sequence[str]) -> None:
        """All rows with that id."""

    def gaps(self, most: int) -> list[Gap]:
        """By table and line."""

    def count_gaps(self) -> int: ...

    def gaps_of(self, table: str, line: int) -> Sequence[str]:
        """Fields of the rows of that line."""

    def count(self, table: str) -> int: ...

    def in_order(self, table: str) -> Iterable[Staged]:
        """As the file has them. Others may be asked for meanwhile."""

    def first(self, table: str, row_id: str) -> Staged | None:
        """The first in the file with that id."""

    def holds(self, table: str, row_id: str) -> bool: ...

    def names(self, field: str, table: str, value: str) -> bool:
        """Whether a row of the table says this in that field."""

    def hanging_on(self, ids: Iterable[str], most: int) -> list[tuple[str, str, Staged]] | None:
        """Rows with the table and the id of what they hang on; None if there are more than `most`."""

    def children(self, table: str, parent: str, parent_id: str, most: int) -> list[Staged]:
        """The first so many of a table that hang on a row."""

    def numbered(self, keys: Sequence[int]) -> Iterable[Staged]: ...

    def close(self) -> None: ...
