"""Cells that a spreadsheet would run: told, guarded on their way out, recognised on their way in.

Source: OWASP, CSV injection. Full-width forms of the signs are run, too.
"""

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
    """True for what somebody meant a spreadsheet to run: `=…`, `@…`, and `+…` or `-…` with a call
    or a link in it. A list that starts with dashes and a telephone number are neither."""
    stripped = text.strip()
    if not stripped.startswith(_FIRST):
        return False
    stripped = stripped.translate(_SIGNS)
    if stripped.startswith(("=", "@")):
        return len(stripped) > 1
    return stripped.startswith(("+", "-")) and bool(_CALL.search(stripped))


def needs_guard(text: str) -> bool:
    """True for what a spreadsheet might run whatever was meant; a number or telephone is neither.

    Spreadsheets drop spaces that stand before a formula.
    """
    return text.lstrip(" ").startswith(FORMULA_STARTS) and not _ARITHMETIC.fullmatch(text)


def guarded(text: str) -> str:
    """The text for a cell: an apostrophe before what a spreadsheet might run, also where one that parts cells by
    semicolons or tabs, as in Spanish, would begin another cell in the middle of it."""
    inside = _PART.sub(lambda part: part[1] + ("'" if _runs(part[2]) else "") + part[2], text)
    return f"'{inside}" if needs_guard(text) else inside


def _runs(part: str) -> bool:
    return is_formula(part.lstrip(" \"'"))


def guarded_cell(value: Any) -> Any:
    """The same for a cell of any kind: only texts are guarded."""
    return guarded(value) if isinstance(value, str) else value


class GuardedCsv:
    """Writes rows as CSV with each text guarded."""

    def __init__(self, file: TextIO, *, line_end: str = "\r\n") -> None:
        self._rows = csv.writer(file, lineterminator=line_end)

    def row(self, cells: Iterable[Any]) -> None:
        self._rows.writerow(map(guarded_cell, cells))

    def rows(self, rows: Iterable[Iterable[Any]]) -> None:
        for cells in rows:
            self.row(cells)


# For `xlsxwriter.Workbook`: a cell of somebody's text stays text, whatever it begins with.
TEXT_STAYS_TEXT = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def unguarded(text: str) -> str:
    """The text without the apostrophes that `guarded` put into it."""
    whole = text[1:] if text.startswith("'") and needs_guard(text[1:]) else text
    return _PART.sub(
        lambda part: part[1] + part[2][part[2].startswith("'") and _runs(part[2]) :], whole
    )
