"""Another library can read our Parquet files, with their types, empty cells and metadata."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest
from reporting.ground.language import text
from reporting.ground.tabular.files import as_parquet
from reporting.ground.tabular.tables import Cell, Column, Kind, Table


@pytest.mark.parametrize(
    ("kind", "cells", "stored", "read"),
    [
        ("text", ["Táchira", "", None], pa.string(), ["Táchira", "", None]),
        ("integer", [0, -1, 2**53 + 1, None], pa.int64(), [0, -1, 2**53 + 1, None]),
        ("decimal", [Decimal("0.1"), 3, None], pa.float64(), [0.1, 3.0, None]),
        (
            "date",
            [date(2026, 11, 1), date(1969, 12, 31), datetime(2024, 2, 29, 23, tzinfo=UTC), None],
            pa.date32(),
            [date(2026, 11, 1), date(1969, 12, 31), date(2024, 2, 29), None],
        ),
        ("date", [], pa.date32(), []),
        ("text", [None, None], pa.string(), [None, None]),
    ],
)
def test_each_kind_of_cell_comes_back(
    kind: Kind, cells: list[Cell], stored: pa.DataType, read: list[object]
) -> None:
    column = Column("one", text("Uno", "One"), "#meta", kind)
    table = Table("n", text("Tabla", "Table"), (column,), [(c,) for c in cells], ())
    found = pq.read_table(io.BytesIO(as_parquet(table)))
    assert found.schema.field("one").type == stored
    assert found.column("one").to_pylist() == read
    beside = {k.decode(): v.decode() for k, v in found.schema.field("one").metadata.items()}
    assert (beside["hxl"], beside["label_es"], beside["label_en"]) == ("#meta", "Uno", "One")
    assert json.loads(found.schema.metadata[b"notes"]) == []
