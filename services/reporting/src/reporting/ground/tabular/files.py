"""A table as a file of the asked format, with its media type and name."""

from dataclasses import dataclass
from typing import Literal

from reporting.ground.tabular.csv_file import as_csv, as_hxl
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
