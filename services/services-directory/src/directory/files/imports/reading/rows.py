"""The result of every tabular reader: the header once, then rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from directory.files.imports.outcomes.notes import Note


@dataclass(slots=True)
class RawRow:
    """`number` counts as the sender's program does: the first line of the file is 1."""

    number: int
    cells: Sequence[object]
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """Rows in file order, including header rows. `notes` may grow while rows are read."""

    rows: Iterator[RawRow]
    notes: list[Note] = field(default_factory=list)
