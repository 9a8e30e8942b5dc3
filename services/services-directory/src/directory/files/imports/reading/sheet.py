"""Reads XLSX workbooks row by row. A formula yields its text, never its result."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.process.lazily import lazily
from common.tables_io.archives import WORKBOOK_DAMAGE

from directory.files.imports.columns import is_header_row, is_tag_row
from directory.files.imports.errors import UNREADABLE_FILE
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.reading.archive import archive
from directory.files.imports.reading.rows import RawRow, Table

if TYPE_CHECKING:
    import openpyxl
    import openpyxl.utils.exceptions
else:
    openpyxl = lazily("openpyxl")

HEADER_WITHIN = 20
"""The header must be among the first rows."""
MAX_COLUMNS = 500
LAST_ROW = 1_048_576
"""The last row of any spreadsheet program. A file may claim row two thousand million, and openpyxl would count up to it
for hours."""


def read_sheet(path: Path) -> Table:
    """Read the rows of the sheet with our headers or tags, or else of the first sheet."""
    with archive(path):
        pass  # reject zip bombs before openpyxl reads parts into memory
    notes: list[Note] = []
    return Table(_rows(path, notes), notes)


def _rows(path: Path, notes: list[Note]) -> Iterator[RawRow]:
    # Pass an open file, because openpyxl judges a path by its extension and uploads have none.
    with path.open("rb") as source:
        try:
            book = openpyxl.load_workbook(source, read_only=True, data_only=False, keep_links=False)
        except _damage() as error:
            raise UNREADABLE_FILE.because("workbook_cannot_be_opened", error) from error
        try:
            yield from _sheet_rows(book, notes)
        except _damage() as error:
            raise UNREADABLE_FILE.because("workbook_is_damaged", error) from error
        finally:
            book.close()


def rows_said(path: Path) -> int | None:
    """Return the number of rows after the header according to the workbook's own count, which some programs write
    incorrectly."""
    with path.open("rb") as source:
        book = openpyxl.load_workbook(source, read_only=True, keep_links=False)
        most = max((sheet.max_row or 0 for sheet in book.worksheets), default=0)
        book.close()
    return most - 1 if 1 < most <= LAST_ROW else None


def _damage() -> tuple[type[Exception], ...]:
    return (openpyxl.utils.exceptions.InvalidFileException, *WORKBOOK_DAMAGE)


def _sheet_rows(book: Any, notes: list[Note]) -> Iterator[RawRow]:
    if not book.worksheets:
        raise UNREADABLE_FILE.because("workbook_has_no_sheet_with_cells")
    sheet = next((each for each in book.worksheets if _has_header(each)), book.worksheets[0])
    if len(book.worksheets) > 1:
        notes.append(note("sheet_chosen", after=sheet.title))
    sheet.reset_dimensions()  # some programs write wrong dimensions
    rows = sheet.iter_rows(values_only=True, max_row=LAST_ROW + 1, max_col=MAX_COLUMNS)
    for number, cells in enumerate(rows, 1):
        if number > LAST_ROW:
            raise UNREADABLE_FILE.because("sheet_goes_on_beyond_row", f"{LAST_ROW:,}")
        yield RawRow(number, list(cells))


def _has_header(sheet: Any) -> bool:
    sheet.reset_dimensions()
    first = sheet.iter_rows(max_row=HEADER_WITHIN, max_col=MAX_COLUMNS, values_only=True)
    return any(
        is_header_row(cells) or is_tag_row(cells)
        for row in first
        for cells in [[str(cell) if cell is not None else "" for cell in row]]
    )
