"""Tables as Parquet: typed columns, with labels, HXL tags and notes in the file's metadata."""

import io
import json
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

from reporting.tabular.tables import Table

_TYPES: dict[str, Any] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.float64(),
    "date": pa.date32(),
}


def as_parquet(table: Table) -> bytes:
    """Numbers are int64 or float64, dates date32; an empty cell is null."""
    fields = [
        pa.field(
            column.key,
            _TYPES[column.kind],
            metadata={"hxl": column.hxl, **{f"label_{k}": v for k, v in column.label.items()}},
        )
        for column in table.columns
    ]
    schema = pa.schema(fields, metadata={"notes": json.dumps(table.notes, ensure_ascii=False)})
    columns = [
        pa.array(
            [float(c) if column.kind == "decimal" and c is not None else c for c in cells],
            type=_TYPES[column.kind],
        )
        for column, cells in zip(table.columns, _turned(table), strict=True)
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def _turned(table: Table) -> list[list[Any]]:
    return [[row[place] for row in table.rows] for place in range(len(table.columns))]
