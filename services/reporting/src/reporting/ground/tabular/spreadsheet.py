"""Tables as an Excel workbook, one sheet each. It contains real numbers and dates, and nothing that Excel evaluates."""

import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from common.process.lazily import lazily
from common.tables_io.cells import TEXT_STAYS_TEXT

from reporting.ground.language import Text, text
from reporting.ground.tabular.tables import Cell, Table

xlsxwriter = lazily("xlsxwriter")  # has no types

OPTIONS = {"in_memory": True, "constant_memory": False, **TEXT_STAYS_TEXT}
CREATED = datetime(2026, 1, 1)  # noqa: DTZ001 - a fixed stamp (xlsx has no zone): equal tables make equal files
NOTES = text("Notas", "Notes")
_WIDEST = 60


def as_xlsx(tables: Sequence[Table], language: str, notes: Sequence[Text] = ()) -> bytes:
    """Return a workbook. A last sheet collects ``notes`` and each table's notes."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    book.set_properties({"created": CREATED})
    formats = {
        "head": book.add_format(
            {
                "bold": True,
                "bg_color": "#1B3A57",
                "font_color": "#FFFFFF",
                "text_wrap": True,
                "valign": "top",
            }
        ),
        "date": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
        "integer": book.add_format({"num_format": "#,##0"}),
        "decimal": book.add_format({"num_format": "#,##0.0##"}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
    }
    names: set[str] = set()
    for table in tables:
        _sheet(
            book.add_worksheet(_free_name(table.name[language], names)), table, language, formats
        )
    said = [*notes, *(note for table in tables for note in table.notes)]
    if said:
        sheet = book.add_worksheet(_free_name(NOTES[language], names))
        sheet.set_column(0, 0, 100)
        for line, note in enumerate(dict.fromkeys(note[language] for note in said)):
            sheet.write_string(line, 0, note, formats["text"])
    book.close()
    return buffer.getvalue()


def _sheet(sheet: Any, table: Table, language: str, formats: dict[str, Any]) -> None:
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.label[language], formats["head"])
        widths = [len(str(row[place] or "")) for row in table.rows]
        heading = max(len(word) for word in column.label[language].split()) + 2
        sheet.set_column(place, place, min(_WIDEST, max(10, heading, *widths, 0) + 1))
    for line, row in enumerate(table.rows, start=1):
        for place, cell in enumerate(row):
            _write(sheet, line, place, cell, formats)
    sheet.freeze_panes(1, 0)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)


def _write(sheet: Any, line: int, place: int, cell: Cell, formats: dict[str, Any]) -> None:
    match cell:
        case None:
            return
        case str():
            sheet.write_string(line, place, cell)
        case int():
            sheet.write_number(line, place, cell, formats["integer"])
        case Decimal():
            sheet.write_number(line, place, float(cell), formats["decimal"])
        case datetime():
            sheet.write_string(line, place, cell.isoformat())
        case date():
            sheet.write_datetime(line, place, cell, formats["date"])


def _free_name(name: str, taken: set[str]) -> str:
    r"""Return a new sheet name that Excel accepts: 31 characters, none of []:*?/\."""
    base = re.sub(r"[\[\]:*?/\\]", " ", name).strip("' ")[:28] or "1"
    free, number = base, 1
    while free.casefold() in taken:
        number += 1
        free = f"{base} {number}"
    taken.add(free.casefold())
    return free
