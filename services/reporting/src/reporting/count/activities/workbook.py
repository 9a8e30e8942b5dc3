"""Reads a filled-in activity workbook (XLSX), or the same columns as CSV.

It is strict about meaning and lenient about form: headers and list values may be in any language or be machine names,
and dates may be date cells or text. It writes nothing.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from common.process.lazily import lazily
from common.tables_io.archives import (
    WORKBOOK_DAMAGE,
    Limits,
    UnreadableArchiveError,
    UnsafeArchiveError,
    archive,
)
from common.tables_io.cells import unguarded
from common.unseen import without_turning
from common.words.details import Detail
from common.words.languages import LANGUAGES
from common.words.places import folded

from reporting.count.activities import codes
from reporting.count.activities import mapping as mappings
from reporting.count.activities.mapping import COUNTS, Mapping
from reporting.count.activities.rules import LISTS, Flaw
from reporting.ground.language import Text, of_details, text

if TYPE_CHECKING:
    import openpyxl
    import openpyxl.utils.exceptions
else:
    openpyxl = lazily("openpyxl")

MAX_ROWS = 5_000
LAST_ROW = 20_000
"""A row may claim to be number two billion, and openpyxl would count up to it."""
_LIMITS = Limits(unpacked=60_000_000)
MAX_TEXT = 500
_FORMULA = re.compile(rb"<(?:\w{1,20}:)?f[ />]")
_LONGEST_TAG = 24
_UNCOMPUTED = object()
"""Stands for a formula without a result; read as an empty cell, a number would be lost."""
DATES = frozenset({"start", "end"})

SHEETS = {
    "data": text("Actividades", "Activities"),
    "lists": text("Listas", "Lists"),
    "help": text("Léame", "Read me"),
}


class UnreadableWorkbookError(ValueError):
    """The file as a whole cannot be read; ``message`` gives the reason in each language."""

    def __init__(self, message: Text) -> None:
        super().__init__(message["en"])
        self.message = message


@dataclass(frozen=True)
class ReadRow:
    """A file row: its number, its values by column key, and its unreadable cells."""

    number: int
    values: dict[str, Any]
    flaws: tuple[Flaw, ...]


def parted(content: bytes) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """Return a file's column names, and its remaining lines. Raise UnreadableWorkbookError if the file cannot be
    read."""
    lines = (cells for _, cells in _lines(content))
    for cells in lines:
        if any(cell not in (None, "") for cell in cells):
            names = [str(cell or "").strip() for cell in cells]
            while names and not names[-1]:
                names.pop()
            return names, lines
    raise UnreadableWorkbookError(of_details("file_has_no_rows"))


def _lines(content: bytes) -> "Iterator[tuple[int, Sequence[Any]]]":
    return _xlsx_lines(content) if content[:4] == b"PK\x03\x04" else _csv_lines(content)


def read(content: bytes, mapping: Mapping | None = None) -> list[ReadRow]:
    """Return all non-empty rows of an XLSX or CSV file, in the template's layout or in a mapped layout. Raise
    UnreadableWorkbookError if the file cannot be read."""
    lines = _lines(content)
    header: list[str | None] | None = None
    rows: list[ReadRow] = []
    for number, cells in lines:
        if number > LAST_ROW:
            raise UnreadableWorkbookError(of_details("sheet_goes_on_beyond_row_delete", LAST_ROW))
        if not any(cell not in (None, "") for cell in cells):
            continue
        if header is None:
            header = list(mapping.fields) if mapping else _header(cells)
            continue
        if str(cells[0] or "").startswith("#"):
            continue  # an HXL tag row below the labels
        if len(rows) >= MAX_ROWS:
            raise UnreadableWorkbookError(of_details("more_rows_split_the_file", MAX_ROWS))
        rows.append(_row(number, header, cells, mapping))
    if not rows:
        raise UnreadableWorkbookError(of_details("file_has_no_rows"))
    return rows


Line = tuple[int, Sequence[Any]]


def _xlsx_lines(content: bytes) -> Iterator[Line]:
    try:
        with archive(
            io.BytesIO(content), _LIMITS
        ) as opened:  # refuse archive bombs before openpyxl reads the parts
            computes = any(_holds_formula(opened, name) for name in opened.namelist())
        if computes:
            pairs = zip(
                _cells(content, computed=True), _cells(content, computed=False), strict=True
            )
            yield from enumerate((_with_uncomputed(*pair) for pair in pairs), start=1)
        else:
            rows = _cells(content, computed=True)
            yield from enumerate(([cell.value for cell in row] for row in rows), start=1)
    except UnsafeArchiveError as refused:
        raise UnreadableWorkbookError(of_details("file_is_too_large")) from refused
    except (
        UnreadableArchiveError,
        openpyxl.utils.exceptions.InvalidFileException,
        *WORKBOOK_DAMAGE,
    ) as damage:
        raise UnreadableWorkbookError(of_details("is_no_readable_workbook")) from damage


def _cells(content: bytes, *, computed: bool) -> Iterator[Sequence[Any]]:
    """Yield rows of cells. With `computed`, formulas yield their saved results; otherwise they yield their text."""
    book = openpyxl.load_workbook(
        io.BytesIO(content), read_only=True, data_only=computed, keep_links=False
    )
    wanted = {folded(name) for name in SHEETS["data"].values()}
    names = [name for name in book.sheetnames if folded(name) in wanted]
    sheet = book[names[0]] if names else book.worksheets[0]
    yield from sheet.iter_rows(max_col=120)


def _holds_formula(opened: ZipFile, name: str) -> bool:
    if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
        return False
    with opened.open(name) as part:
        rest = b""
        while chunk := part.read(1 << 20):
            if _FORMULA.search(rest + chunk):
                return True
            rest = chunk[-_LONGEST_TAG:]
    return False


def _with_uncomputed(cells: Sequence[Any], formulas: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a row, marking formulas without a saved result, because programs that only write workbooks
    do not compute. An empty text counts as a result."""
    return [
        _UNCOMPUTED
        if cell.value is None and formula.value is not None and cell.data_type != "str"
        else cell.value
        for cell, formula in zip(cells, formulas, strict=True)
    ]


def _csv_lines(content: bytes) -> Iterator[Line]:
    try:
        sheet = content.decode("utf-8-sig")
    except UnicodeDecodeError as damage:
        raise UnreadableWorkbookError(of_details("file_is_neither_xlsx_nor_csv")) from damage
    first = sheet.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)  # Excel in Spanish saves CSV with semicolons
    try:
        yield from enumerate(csv.reader(io.StringIO(sheet), delimiter=separator, strict=True), 1)
    except csv.Error as damage:
        raise UnreadableWorkbookError(of_details("csv_is_damaged")) from damage


def _spellings() -> dict[str, str]:
    return {
        folded(word): column.key
        for column in codes.columns()
        for word in (column.key, *column.label.values())
    }


def _header(cells: Sequence[Any]) -> list[str | None]:
    known = _spellings()
    header = [known.get(folded(str(cell).rstrip(" *"))) if cell else None for cell in cells]
    missing = [c for c in codes.columns() if c.required and c.key not in header]
    if missing:
        names = {lang: ", ".join(c.label[lang] for c in missing) for lang in LANGUAGES}
        raise UnreadableWorkbookError(
            {
                lang: Detail.of("columns_missing_map_layout", names[lang]).text(lang)
                for lang in LANGUAGES
            }
        )
    named = [key for key in header if key]
    if len(named) != len(set(named)):
        raise UnreadableWorkbookError(of_details("column_is_there_twice"))
    return header


def _row(
    number: int, header: Sequence[str | None], cells: Sequence[Any], mapping: Mapping | None
) -> ReadRow:
    values: dict[str, Any] = {column.key: None for column in codes.columns()}
    flaws: list[Flaw] = []
    fixed = mapping.fixed if mapping else {}
    for key, given in (*fixed.items(), *zip(header, cells, strict=False)):
        cell = mapping.word(key, given) if mapping and key else given
        if key is None or cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        found = value(key, without_turning(cell) if isinstance(cell, str) else cell)
        if isinstance(found, Flaw):
            flaws.append(found)
        else:
            values[key] = found
    if mapping:
        mappings.completed(values)
    said = {flaw.field for flaw in flaws}
    flaws.extend(
        Flaw.of(column.key, "required", "this_value_is_missing")
        for column in codes.columns()
        if column.required and values[column.key] is None and column.key not in said
    )
    return ReadRow(number, values, tuple(flaws))


def value(key: str, cell: Any) -> Any:
    """Convert a cell to its field's value, or return its error."""
    if cell is _UNCOMPUTED:
        return Flaw.of(key, "not_computed", "formula_has_no_result")
    if key in DATES:
        return _date(key, cell)
    if key == "report_month":
        return _month(cell)
    if key in COUNTS:
        return _count(key, cell)
    word = unguarded(_number_text(cell).strip())
    if len(word) > MAX_TEXT or any(ord(char) < 32 and char not in "\n\t" for char in word):
        return Flaw.of(key, "bad_text", "text_is_too_long_or_has_controls")
    if key in LISTS:
        code = codes.understood(LISTS[key], word)
        return code if code is not None else word
    if key.endswith("_pcode"):
        return word.upper()
    return word


def _number_text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def _date(key: str, cell: Any) -> date | Flaw:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    word = str(cell).strip()
    try:
        if _ISO.fullmatch(word[:10]):
            return date.fromisoformat(word[:10])
        if parts := _DAY_FIRST.fullmatch(word):  # day first, as in both languages of the region
            return date(int(parts[3]), int(parts[2]), int(parts[1]))
    except ValueError:
        pass
    return Flaw.of(key, "bad_date", "write_date_as_year_month_day")


def _month(cell: Any) -> date | Flaw:
    if isinstance(cell, date | datetime):
        return date(cell.year, cell.month, 1)
    found = re.fullmatch(r"(\d{4})-(\d{2})(-\d{2})?", str(cell).strip())
    if found and 1 <= int(found[2]) <= 12 and int(found[1]) >= 2000:
        return date(int(found[1]), int(found[2]), 1)
    return Flaw.of("report_month", "bad_month", "write_month_as_year_month")


def _count(key: str, cell: Any) -> int | Flaw:
    if isinstance(cell, bool):
        cell = str(cell)
    if isinstance(cell, int):
        return cell
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e12:
        return int(cell)
    word = str(cell).strip()
    if re.fullmatch(r"-?\d{1,12}", word):
        return int(word)
    return Flaw.of(key, "bad_number", "write_whole_number")


def messages(flaw: Flaw) -> Text:
    """Return the error message prefixed with its column's label, for a report that people read."""
    labels = {column.key: column.label for column in codes.columns()}
    label = labels.get(flaw.field, {})
    return {lang: f"{label.get(lang, flaw.field)}: {flaw.said.text(lang)}" for lang in LANGUAGES}
