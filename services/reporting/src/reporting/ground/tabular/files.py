"""A table as a file of the asked format, with its media type and name."""

import io
from dataclasses import dataclass
from typing import Literal

from common.tables_io.cells import GuardedCsv

from reporting.ground.tabular.parquet import as_parquet
from reporting.ground.tabular.spreadsheet import as_xlsx
from reporting.ground.tabular.tables import Table

Format = Literal["csv", "xlsx", "parquet", "hxl"]
MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "hxl": "text/csv; charset=utf-8; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
_ENDINGS: dict[str, str] = {"csv": "csv", "hxl": "hxl.csv", "xlsx": "xlsx", "parquet": "parquet"}


@dataclass(frozen=True)
class File:
    content: bytes
    media_type: str
    name: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Disposition": f'attachment; filename="{self.name}"',
            "X-Content-Type-Options": "nosniff",
        }


def as_file(table: Table, form: Format, language: str) -> File:
    """The bytes; equal tables give equal files."""
    match form:
        case "csv":
            content = as_csv(table)
        case "hxl":
            content = as_hxl(table, language)
        case "xlsx":
            content = as_xlsx([table], language)
        case "parquet":
            content = as_parquet(table)
    return File(content, MEDIA_TYPES[form], f"{table.key}.{_ENDINGS[form]}")


def as_csv(table: Table) -> bytes:
    """Machine names in the first row; decimals with a point, dates as YYYY-MM-DD."""
    return b"\xef\xbb\xbf" + _written(table, [[column.key for column in table.columns]])


def as_hxl(table: Table, language: str) -> bytes:
    """Labels for people in the first row, HXL tags in the second."""
    labels = [column.label[language] for column in table.columns]
    return _written(table, [labels, [column.hxl for column in table.columns]])


def _written(table: Table, headers: list[list[str]]) -> bytes:
    sheet = io.StringIO()
    writer = GuardedCsv(sheet)
    writer.rows(headers)
    writer.rows(table.rows)
    return sheet.getvalue().encode()
