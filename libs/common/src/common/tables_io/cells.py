"""Cells that a spreadsheet would execute: detects them, escapes them on export, and restores them on import. Source:
OWASP, CSV injection. Spreadsheets also execute full-width forms of the characters."""

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SIGNS = str.maketrans("＝＋－＠", "=+-@")
_FIRST = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_ARITHMETIC = re.compile(r"[-+][\d .,;:()+-]*")
_PART = re.compile(r"([;\t\r\n])([^;\t\r\n]+)")
_CALL = re.compile(r"\w\(|[|!]")


def is_formula(text: str) -> bool:
    """Return whether the text is meant as a formula: `=…`, `@…`, and `+…` or `-…` with a call or a link in it.
    Telephone numbers, and lists that start with dashes, do not count."""
    stripped = text.strip()
    if not stripped.startswith(_FIRST):
        return False
    stripped = stripped.translate(_SIGNS)
    if stripped.startswith(("=", "@")):
        return len(stripped) > 1
    return stripped.startswith(("+", "-")) and bool(_CALL.search(stripped))


def needs_guard(text: str) -> bool:
    """Return whether a spreadsheet might execute the text, whether or not this was intended. Numbers and telephone
    numbers are safe. Spreadsheets ignore spaces before a formula."""
    return text.lstrip(" ").startswith(FORMULA_STARTS) and not _ARITHMETIC.fullmatch(text)


def guarded(text: str) -> str:
    """Return the text with an apostrophe before anything that a spreadsheet might execute. A spreadsheet that separates
    cells by semicolons or tabs, as in Spanish, may start a cell in the middle of the text. Such places therefore get an
    apostrophe too."""
    inside = _PART.sub(lambda part: part[1] + ("'" if _runs(part[2]) else "") + part[2], text)
    return f"'{inside}" if needs_guard(text) else inside


def _runs(part: str) -> bool:
    return is_formula(part.lstrip(" \"'"))


def guarded_cell(value: Any) -> Any:
    """Guard a cell of any type. Only text values change."""
    return guarded(value) if isinstance(value, str) else value


class GuardedCsv:
    """Writes CSV rows with all texts guarded."""

    def __init__(self, file: TextIO, *, line_end: str = "\r\n") -> None:
        self._rows = csv.writer(file, lineterminator=line_end)

    def row(self, cells: Iterable[Any]) -> None:
        self._rows.writerow(map(guarded_cell, cells))

    def rows(self, rows: Iterable[Iterable[Any]]) -> None:
        for cells in rows:
            self.row(cells)


# options of `xlsxwriter.Workbook` that keep a text as text, whatever its first character
TEXT_STAYS_TEXT = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def unguarded(text: str) -> str:
    """Remove the apostrophes that `guarded` added."""
    whole = text[1:] if text.startswith("'") and needs_guard(text[1:]) else text
    return _PART.sub(
        lambda part: part[1] + part[2][part[2].startswith("'") and _runs(part[2]) :], whole
    )
