"""Reads tables from CSV, and reports errors by row and column. Pure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from common.unseen import without_turning

from reporting.ground.language import Text, of_details

MOST_FLAWS = 50


@dataclass(frozen=True)
class CellFlaw:
    """An error in a cell, or in a whole file (row 0), in each language."""

    row: int
    column: str
    message: Text

    @classmethod
    def of(cls, row: int, column: str, code: str, *params: object) -> Self:
        return cls(row, column, of_details(code, *params))


class UnreadableTableError(ValueError):
    """The table has errors; `flaws` contains them, up to a limit."""

    def __init__(self, flaws: Sequence[CellFlaw]) -> None:
        super().__init__(flaws[0].message["en"])
        self.flaws = tuple(flaws[:MOST_FLAWS])

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Return the errors in the format of problem details."""
        return [
            {"row": each.row, "column": each.column, "message": each.message} for each in self.flaws
        ]


def csv_rows(content: bytes) -> list[list[str]]:
    """Return the rows of a UTF-8 CSV with commas, semicolons or tabs. Raise UnreadableTableError if it cannot be
    read."""
    try:
        sheet = without_turning(content.decode("utf-8-sig"))
        first = sheet.split("\n", 1)[0]
        separator = max(",;\t", key=first.count)  # Excel in Spanish saves CSV with semicolons
        return list(csv.reader(io.StringIO(sheet), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as damage:
        raise UnreadableTableError([CellFlaw.of(0, "", "file_is_no_readable_csv")]) from damage
