"""Tables as Parquet: typed columns, with labels, HXL tags and notes in the file's metadata."""

import io
import json
from datetime import date
from typing import Any

from arro3.core import Array, DataType, Field, Schema
from arro3.core import Table as Columns
from arro3.io import write_parquet

from reporting.tabular.tables import Table

_TYPES: dict[str, DataType] = {
    "text": DataType.utf8(),
    "integer": DataType.int64(),
    "decimal": DataType.float64(),
    "date": DataType.date32(),
}

_EPOCH = date(1970, 1, 1).toordinal()


def as_parquet(table: Table) -> bytes:
    """Numbers are int64 or float64, dates date32; an empty cell is null."""
    fields = [
        Field(
            column.key,
            _TYPES[column.kind],
            metadata={"hxl": column.hxl, **{f"label_{k}": v for k, v in column.label.items()}},
        )
        for column in table.columns
    ]
    schema = Schema(fields, metadata={"notes": json.dumps(table.notes, ensure_ascii=False)})
    columns = [
        _array(column.kind, cells)
        for column, cells in zip(table.columns, _turned(table), strict=True)
    ]
    buffer = io.BytesIO()
    write_parquet(Columns.from_arrays(columns, schema=schema), buffer, compression="zstd(3)")
    return buffer.getvalue()


def _array(kind: str, cells: list[Any]) -> Array:
    if kind == "date":  # arro3 makes no dates from Python's, it casts the days since 1970
        days = [None if c is None else c.toordinal() - _EPOCH for c in cells]
        return Array(days, type=DataType.int32()).cast(_TYPES[kind])
    if kind == "decimal":
        cells = [None if c is None else float(c) for c in cells]
    return Array(cells, type=_TYPES[kind])


def _turned(table: Table) -> list[list[Any]]:
    return [[row[place] for row in table.rows] for place in range(len(table.columns))]
