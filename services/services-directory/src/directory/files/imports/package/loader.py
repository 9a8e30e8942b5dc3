"""Fills the staging area with the rows of a package's files, and counts the values that no row uses."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from typing import BinaryIO, cast
from zipfile import ZipFile

from directory.files.imports.errors import TOO_MANY_LINES
from directory.files.imports.outcomes.fidelity import Fate, Fidelity, Outcome
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.package import nested
from directory.files.imports.package.fields import NESTED, tables
from directory.files.imports.package.older import (
    FILE,
    LOST,
    MADE,
    NAMES,
    Row,
    current,
    left_out,
    modern,
    said,
    table_of,
)
from directory.files.imports.package.staging import ENTRIES, Staging
from directory.files.imports.reading.delimited import read_cells

PIECE = 1 << 20
JSON = (".json", ".jsonl", ".ndjson")
_LISTED_AS = {
    table: frozenset(name for name, kind in NESTED["service"].items() if kind == table)
    for table in NESTED["service"].values()
} | {"attribute": frozenset({"attributes"}), "metadata": frozenset({"metadata"})}
"""The names under which a service contains the rows of a table."""
_ENTRIES = frozenset({"service", "program", "unit", *ENTRIES})
"""Tables of objects that stand for themselves, wherever in the file they are."""


def buffered(content: object) -> BufferedReader:
    return BufferedReader(cast("BufferedReader", content), PIECE)


def tables_in(opened: ZipFile) -> list[str]:
    """Return a package's CSV tables, or else its JSON files. In a package with tables, a JSON file only describes
    them."""
    names = [name for name in sorted(opened.namelist()) if "__MACOSX" not in name]
    found = [name for name in names if name.lower().endswith(".csv")]
    return found or [name for name in names if name.lower().endswith(JSON)]


@dataclass(slots=True)
class Filling:
    """Fills the staging area. `names`: the service fields in the package; `found`: its tables; `most`: the maximum
    number of JSON objects."""

    staging: Staging
    fidelity: Fidelity
    most: int
    notes: list[Note] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    _unknown: set[tuple[str, str, str]] = field(default_factory=set)
    _additions: list[tuple[str, Mapping[str, str], Row]] = field(default_factory=list)
    _seen: dict[tuple[str, ...], "_Seen"] = field(default_factory=dict)
    _numbers: Counter[str] = field(default_factory=Counter)

    def take(self, name: str, content: BinaryIO) -> None:
        """Stage one of the package's files."""
        if name.lower().endswith(JSON):
            self._json(name, content)
        else:
            self._table(name, content)

    def finish(self) -> None:
        """Index the staging area, and merge rows that belong to a staged row."""
        self.staging.index()
        for file, given, row in self._additions:
            cells = [name for name, value in given.items() if value]
            told = [f"{file}|{name}" for name in cells]
            if lost := self.staging.add_to("service", row.pop("id"), row, told):
                self._count(file, cells, lost)
        unknown = sorted(
            (file, name)
            for file, table, name in self._unknown
            if (table, name) not in self.staging.listed
        )
        self.notes.extend(note("field_unknown", f"{file} {name}") for file, name in unknown)

    def _table(self, name: str, content: BinaryIO) -> None:
        rows = read_cells(content)
        _, first, _ = next(rows, (0, [], False))
        header = [cell.strip().lower() for cell in first]
        table = table_of(name, header)
        if table is None:
            self.notes.append(note("table_skipped", before=name))
            for _, cells, _ in rows:
                self._count_cells(name, dict(zip(header, cells, strict=False)))
            return
        self.found.add(table)
        self.names |= said(table, header)
        for number, cells, _ in rows:
            given = dict(zip(header, map(str.strip, cells), strict=False))
            given.pop("", None)
            if any(given.values()):
                self._row(table, name, number, given)

    def _json(self, name: str, content: BinaryIO) -> None:
        for count, row in enumerate(nested.rows_in(content, name)):
            if count >= self.most:
                raise TOO_MANY_LINES.because(
                    "tables_of_package_may_have_lines_together", f"{self.most:,}", name
                )
            now = current(row.kind)
            if now not in tables() and now != "eligibility":
                self._count_cells(row.kind, row.given)
                continue
            self.found.add(row.kind)
            self.names |= said(row.kind, row.given)
            self._object(row)

    def _object(self, row: nested.Row) -> None:
        """Stage an object once, because a feed repeats an organisation with each service. Another copy completes the
        first."""
        links = () if current(row.kind) in _ENTRIES else sorted(row.made)
        key = (row.kind, row.given["id"], *(row.given[name] for name in links))
        words = hash(frozenset(row.given.items()))
        if (seen := self._seen.get(key)) is None:
            self._numbers[row.kind] += 1
            staged = self._row(row.kind, row.kind, self._numbers[row.kind], row.given, row)
            self._seen[key] = _Seen(staged, {words})
        elif words not in seen.copies:
            seen.copies.add(words)
            (_, again), *apart = modern(row.kind, row.given, 0)
            made = row.made | set(again.get(MADE, "").split(","))
            lost = self.staging.complete(seen.staged, again, made) if seen.staged else again
            told = {
                name for _, each in apart for _, _, name in [each.get(NAMES, "").partition("=")]
            }
            self._count(row.kind, sorted({*lost, *told} - {"id"}), "values_disagree")

    def _row(
        self,
        table: str,
        file: str,
        number: int,
        given: dict[str, str],
        made: nested.Row | None = None,
    ) -> int:
        """Stage a row and the rows that its lists become. Return its key, or 0 if it belongs to another row."""
        if without_place := {key for key, value in given.items() if value and left_out(table, key)}:
            self._unknown |= {(file, table, key) for key in without_place}
            self._count(file, without_place, "field_no_place")
        first = 0
        for at, (placed, row) in enumerate(modern(table, given, number)):
            if placed == "service:addition":
                self._additions.append((file, given, row))
                continue
            if made is not None and not at:
                row[MADE] = ",".join(filter(None, (row.get(MADE, ""), *sorted(made.made))))
                self._count(file, made.lost, "values_disagree")
            if LOST in row:
                self._count(file, row.pop(LOST).split(","), "values_disagree")
            if file != tables()[placed].file:
                row[FILE] = file
            key = self.staging.add(placed, number, row)
            first = first or key
            unknown = row.keys() - tables()[placed].by_name.keys()
            self._unknown |= {(file, placed, each) for each in unknown if each[0] != "~"}
            self.names |= _LISTED_AS.get(placed, frozenset())
        return first

    def _count(self, file: str, names: Iterable[str], reason: str) -> None:
        for name in filter(None, names):
            self.fidelity.count(Fate(file, name, Outcome.LEFT_OUT, reason))

    def _count_cells(self, file: str, cells: Mapping[str, str]) -> None:
        self._count(file, (name for name, cell in cells.items() if cell.strip()), "table_skipped")


@dataclass(slots=True)
class _Seen:
    """The key of the staged row, or 0; and the copies of the object so far."""

    staged: int
    copies: set[int]
