"""Writes a table in the requested format, with its media type and name."""

import io
import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from common.process.lazily import lazily
from common.tables_io.cells import GuardedCsv

from reporting.ground.tabular.spreadsheet import as_xlsx
from reporting.ground.tabular.tables import Table

if TYPE_CHECKING:
    from arro3 import core as arrow
    from arro3 import io as files
else:
    arrow, files = lazily("arro3.core"), lazily("arro3.io")

_EPOCH = date(1970, 1, 1).toordinal()


def as_parquet(table: Table) -> bytes:
    """Return Parquet: numbers are int64 or float64, dates date32, and an empty cell is null."""
    fields = [
        arrow.Field(
            column.key,
            _type(column.kind),
            metadata={"hxl": column.hxl, **{f"label_{k}": v for k, v in column.label.items()}},
        )
        for column in table.columns
    ]
    schema = arrow.Schema(fields, metadata={"notes": json.dumps(table.notes, ensure_ascii=False)})
    columns = [
        _array(column.kind, cells)
        for column, cells in zip(table.columns, _turned(table), strict=True)
    ]
    buffer = io.BytesIO()
    whole = arrow.Table.from_arrays(columns, schema=schema)
    files.write_parquet(whole, buffer, compression="zstd(3)")
    return buffer.getvalue()


def _array(kind: str, cells: list[Any]) -> "arrow.Array":
    if kind == "date":  # arro3 does not accept Python's dates but casts days since 1970
        days = [None if c is None else c.toordinal() - _EPOCH for c in cells]
        return arrow.Array(days, type=arrow.DataType.int32()).cast(_type(kind))
    if kind == "decimal":
        cells = [None if c is None else float(c) for c in cells]
    return arrow.Array(cells, type=_type(kind))


def _type(kind: str) -> "arrow.DataType":
    match kind:
        case "integer":
            return arrow.DataType.int64()
        case "decimal":
            return arrow.DataType.float64()
        case "date":
            return arrow.DataType.date32()
        case _:
            return arrow.DataType.utf8()


def _turned(table: Table) -> list[list[Any]]:
    return [[row[place] for row in table.rows] for place in range(len(table.columns))]


Format = Literal["csv", "xlsx", "parquet", "hxl"]
MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "hxl": "text/csv; charset=utf-8",
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
    """Return the file's bytes; equal tables produce equal files."""
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
    """Return CSV: machine names in the first row, decimals with a point, dates as YYYY-MM-DD."""
    return b"\xef\xbb\xbf" + _written(table, [[column.key for column in table.columns]])


def as_hxl(table: Table, language: str) -> bytes:
    """Return HXL: human-readable labels in the first row, HXL tags in the second."""
    labels = [column.label[language] for column in table.columns]
    return _written(table, [labels, [column.hxl for column in table.columns]])


def _written(table: Table, headers: list[list[str]]) -> bytes:
    sheet = io.StringIO()
    writer = GuardedCsv(sheet)
    writer.rows(headers)
    writer.rows(table.rows)
    return sheet.getvalue().encode()
