"""Reads a file in any format as a stream of mapped services. Blocking; run it in a thread."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from directory.files.imports.advisor import features as services_advisor
from directory.files.imports.columns import by_header
from directory.files.imports.formats import Format
from directory.files.imports.options import Options
from directory.files.imports.outcomes.fidelity import RowFates
from directory.files.imports.outcomes.mapped import Mapped
from directory.files.imports.outcomes.notes import note
from directory.files.imports.package import open_package
from directory.files.imports.reading.delimited import read_delimited
from directory.files.imports.reading.features import read_features
from directory.files.imports.reading.rows import Table
from directory.files.imports.reading.sheet import read_sheet, rows_said
from directory.files.imports.source import Source
from directory.files.imports.workbook.mapping import map_row
from directory.files.imports.workbook.tabular import fates_of, map_table


@contextmanager
def open_source(path: Path, kind: Format, options: Options) -> Iterator[Source]:
    """Open a file. Reading may raise a 422 at any row, which stops the import."""
    if kind is Format.WORKBOOK:
        source = _tabular(read_sheet(path), options)
        source.expected = partial(rows_said, path)
        yield source
    elif kind is Format.PACKAGE:
        with open_package(path, options) as source:
            yield source
    else:
        with path.open("rb") as content:
            if kind is Format.CSV:
                source = _tabular(read_delimited(content), options)
                source.expected = partial(_lines, path)
            else:
                source = Source(_map_features(read_features(content), options))
                source.expected = partial(_features, path)
            yield source


def _lines(path: Path) -> int:
    """Return the number of lines after the header."""
    with path.open("rb") as content:
        return sum(1 for line in content if line.strip(b",;\t \r\n")) - 1


def _features(path: Path) -> int:
    with path.open("rb") as content:
        return sum(1 for _ in read_features(content))


def _tabular(table: Table, options: Options) -> Source:
    rows = map_table(
        table,
        visibility=options.visibility,
        country=options.country,
        named=options.named,
        places=options.places,
    )
    return Source(rows, table.notes)


def _map_features(features: Iterator[Any], options: Options) -> Iterator[Mapped]:
    seen: set[str] = set()
    for number, feature in enumerate(features, 1):
        if services_advisor.is_feature(feature):
            identity = str(feature.get("id"))
            yield services_advisor.map_feature(
                feature,
                number,
                today=options.today,
                repeated=identity in seen,
                visibility=options.visibility or services_advisor.DEFAULT_VISIBILITY,
            )
            seen.add(identity)
        else:
            yield _map_plain_feature(feature, number, options)


def _map_plain_feature(feature: Any, number: int, options: Options) -> Mapped:
    """Map a feature whose properties are the workbook's columns, as in our own exports."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        refused = note("feature_invalid", before=type(feature).__name__)
        return Mapped(number, None, None, [refused])
    columns = {name: by_header(str(name)) for name in properties}
    raw = {column.key: properties[name] for name, column in columns.items() if column}
    raw |= _point(feature)
    headers = {column.key: name for name, column in columns.items() if column}
    if feature.get("id") is not None:
        raw.setdefault("external_id", str(feature["id"]))
    mapped = map_row(
        raw, number, headers=headers, visibility=options.visibility, country=options.country,
        named=options.named, places=options.places,
    )  # fmt: skip
    named = [(columns[name], name) for name, value in properties.items() if value]
    mapped.fates = [RowFates(number, fates_of(named, mapped.notes), raw, sheet=True)]
    return mapped


def _point(feature: Mapping[str, Any]) -> dict[str, object]:
    geometry = feature.get("geometry")
    pair = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if isinstance(pair, list) and len(pair) >= 2:
        return {"longitude": pair[0], "latitude": pair[1]}
    return {}
