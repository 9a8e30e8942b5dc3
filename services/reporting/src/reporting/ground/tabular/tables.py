"""A table for export: typed columns with a label per language and an HXL tag, and its rows. Every file format is
written from this table, so no format can show a different number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, cast

from common.words.languages import LANGUAGES
from common.words.tables import rows

from reporting.ground.language import Text

Cell = str | int | Decimal | date | datetime | None
Kind = Literal["text", "integer", "decimal", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``key`` is the machine name (CSV, Parquet); ``hxl`` is a hashtag with attributes, or empty."""

    key: str
    label: Text
    hxl: str = ""
    kind: Kind = "text"


def columns_of(package: str, name: str = "columns") -> tuple[Column, ...]:
    """Return the columns in `data/NAME.csv` of a package."""
    return tuple(
        Column(
            row["key"],
            {language: row[f"label_{language}"] for language in LANGUAGES},
            row["hxl"],
            cast("Kind", row.get("kind") or "text"),
        )
        for row in rows(package, f"data/{name}")
    )


@dataclass(frozen=True)
class Table:
    """A table. ``notes`` explain the numbers to readers; ``name`` is the sheet title."""

    key: str
    name: Text
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    notes: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.key}: a row has {len(row)} cells, not {len(self.columns)}")

    def records(self) -> Iterator[dict[str, Cell]]:
        for row in self.rows:
            yield {column.key: cell for column, cell in zip(self.columns, row, strict=True)}
