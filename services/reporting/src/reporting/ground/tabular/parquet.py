"""Tables as Parquet: typed columns, with labels, HXL tags and notes in the file's metadata."""

import io
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from common.process.lazily import lazily

from reporting.ground.tabular.tables import Table

if TYPE_CHECKING:
    from arro3 import core as arrow
    from arro3 import io as files
else:
    arrow, files = lazily("arro3.core"), lazily("arro3.io")

_EPOCH = date(1970, 1, 1).toordinal()


def as_parquet(table: Table) -> bytes:
    """Numbers are int64 or float64, dates date32; an empty cell is null."""
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
    if kind == "date":  # arro3 makes no dates from Python's, it casts the days since 1970
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
