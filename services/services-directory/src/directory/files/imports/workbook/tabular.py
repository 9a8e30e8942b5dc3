"""Maps rows of a sheet, CSV or HXL list to services: finds the header, then maps each row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from directory.files.imports.columns import (
    Column,
    columns,
    is_header_row,
    is_tag_row,
    recognised,
)
from directory.files.imports.errors import EMPTY_FILE, HEADERS_MISSING
from directory.files.imports.outcomes.fidelity import Fate, Outcome, RowFates
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import Note, Weight, note
from directory.files.imports.reading.rows import RawRow, Table
from directory.files.imports.workbook.mapping import map_row

HEADER_WITHIN = 20


@dataclass(slots=True)
class Heading:
    """The position of each column. `row` is the last header row; the data begins after it."""

    row: int
    found: list[Column | None]
    shown: list[str]
    notes: list[Note] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """Return the column headers as written in the sender's file, by column key."""
        pairs = zip(self.found, self.shown, strict=False)
        return {column.key: words for column, words in pairs if column}


def map_table(
    table: Table,
    *,
    visibility: str | None,
    country: str,
    named: bool = False,
    places: Mapping[str, str] | None = None,
) -> Iterator[Mapped]:
    """Yield the mapped rows that are not blank. If an external id occurs twice, the later row is refused. With `named`,
    the publisher has a name and may use its own categories. `places` contains the sender's P-codes by name."""
    first = list(islice(table.rows, HEADER_WITHIN))
    if not first:
        raise EMPTY_FILE.because("it_has_no_rows")
    heading = find_heading(first)
    table.notes.extend(heading.notes)
    seen: dict[str, int] = {}
    rest = (row for row in first if row.number > heading.row)
    for row in chain(rest, table.rows):
        if not any(_filled(cell) for cell in row.cells):
            continue
        mapped = _mapped(row, heading, visibility, country, named=named, places=places or {})
        key = mapped.external_id or ""
        if key in seen:
            mapped.notes.append(note("duplicate_id", "external_id", key, seen[key]))
        seen.setdefault(key, row.number)
        yield mapped


def _mapped(
    row: RawRow,
    heading: Heading,
    visibility: str | None,
    country: str,
    *,
    named: bool,
    places: Mapping[str, str],
) -> Mapped:
    raw = {
        column.key: cell
        for column, cell in zip(heading.found, row.cells, strict=False)
        if column is not None
    }
    mapped = map_row(
        raw,
        row.number,
        headers=heading.headers,
        visibility=visibility,
        country=country,
        named=named,
        places=places,
    )
    mapped.beside = [
        text
        for at, cell in enumerate(row.cells)
        if (at >= len(heading.found) or heading.found[at] is None) and (text := _text(cell))
    ]
    surplus = [cell for cell in row.cells[len(heading.found) :] if _filled(cell)]
    if surplus:
        row.notes.append(note("row_uneven", before=len(surplus)))
    mapped.notes[:0] = row.notes
    values = zip(heading.found, heading.shown, row.cells, strict=False)
    held = [(column, shown) for column, shown, cell in values if _filled(cell)]
    mapped.fates = [RowFates(row.number, fates_of(held, mapped.notes), raw, sheet=True)]
    return mapped


def fates_of(named: Iterable[tuple[Column | None, str]], notes: Sequence[Note]) -> dict[str, Fate]:
    """Return the outcome of each column. `named` contains the non-empty columns (None if unknown) and their names in
    the file."""
    changes = {each.field: each.code for each in notes if each.weight is Weight.CHANGED}
    return {
        f"{at} {shown}" if column is None else column.key: Fate(
            "", shown, Outcome.CHANGED, changes[shown]
        )
        if shown in changes
        else Fate("", shown)
        if column is not None
        else Fate("", shown, Outcome.LEFT_OUT, "column_unknown")
        for at, (column, shown) in enumerate(named)
    }


def find_heading(first: list[RawRow]) -> Heading:
    """Find the header. HXL tags take precedence over headers. Raise 422 if neither is complete."""
    header: RawRow | None = None
    for row in first:
        texts = [_text(cell) for cell in row.cells]
        if is_tag_row(texts):
            return _heading(row.number, recognised(texts, hxl=True), texts, header)
        if header is not None:
            break  # tags must directly follow the header
        if is_header_row(texts):
            header = row
    if header is None:  # `_heading` names the columns that this row lacks
        header = max(first, key=_likeness)
    texts = [_text(cell) for cell in header.cells]
    return _heading(header.number, recognised(texts, hxl=False), texts, None)


def _heading(
    number: int, found: list[Column | None], texts: list[str], header: RawRow | None
) -> Heading:
    shown = list(texts)
    if header is not None:  # people know their headers, not the tags below them
        words = [_text(cell) for cell in header.cells]
        shown = [word or tag for word, tag in zip(words, texts, strict=False)] or shown
        shown += texts[len(shown) :]
    notes: list[Note] = []
    keys: set[str] = set()
    for index, column in enumerate(found):
        if column is None:
            if texts[index]:
                notes.append(note("column_unknown", before=shown[index]))
        elif column.key in keys:
            notes.append(note("columns_repeated", before=shown[index]))
            found[index] = None
        else:
            keys.add(column.key)
    _require(keys)
    return Heading(number, found, shown, notes)


def _require(keys: set[str]) -> None:
    missing = [column for column in columns() if column.required and column.key not in keys]
    if missing:
        names = ", ".join(" / ".join(column.headers.values()) for column in missing)
        raise HEADERS_MISSING.because("columns_are_missing", names)


def _likeness(row: RawRow) -> int:
    return sum(map(bool, recognised([_text(cell) for cell in row.cells], hxl=False)))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _filled(cell: object) -> bool:
    return bool(_text(cell))
