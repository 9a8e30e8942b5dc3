"""An opened file in any format."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from uuid import UUID

from directory.files.imports.outcomes.fidelity import Fidelity
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Note
from directory.files.imports.publishers.space import Space

SAMPLE = 100
"""Rows that identify a file's publisher."""


@dataclass(slots=True)
class Source:
    """An opened file. `notes` concern the whole file and may grow while `rows` are being read. `space` may be set
    before the first row is read; `ids` are the ids in a package with their names, by kind of entry."""

    rows: Iterator[Mapped]
    notes: list[Note] = field(default_factory=list)
    space: Space = field(default_factory=lambda: Space(""))
    ids: Callable[[], Mapping[str, Mapping[UUID, str]]] = dict
    fidelity: Fidelity = field(default_factory=Fidelity)
    holds: Callable[[str], bool] | None = None
    """Whether the file has a service with this id; None if the file may be partial."""
    whole: bool = True
    """Entries that the file lacks are gone; a JSON file may be one page, so only its sender knows."""
    terms: Mapping[UUID, int] = field(default_factory=dict)
    """The versions of the publisher's terms before reading."""
    vanished: list[Mapped] = field(default_factory=list)
    """Entries of earlier files that this one lacks; they follow after its rows."""
    left_behind: Callable[[], None] = lambda: None
    """Called after the last row; counts the rows that no service used."""
    expected: Callable[[], int | None] = lambda: None
    """About how many rows the file has; None if only reading it all would tell."""
    sampled: Callable[[], list[Mapped]] | None = None

    def sample(self) -> list[Mapped]:
        """Return some rows for comparison; `rows` yields them again."""
        if self.sampled is not None:
            return self.sampled()
        first = list(islice(self.rows, SAMPLE))
        self.rows = chain(first, self.rows)
        return first
