"""The result of every tabular reader: first the header, then rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from directory.files.imports.outcomes.notes import Note


@dataclass(slots=True)
class RawRow:
    """A raw row. `number` is the row number that the sender's program shows: the first line of the file is 1."""

    number: int
    cells: Sequence[object]
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """Rows in file order, including header rows. `notes` may grow while rows are being read."""

    rows: Iterator[RawRow]
    notes: list[Note] = field(default_factory=list)
