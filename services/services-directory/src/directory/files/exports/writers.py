"""Writes exports to a file in batches of services. Blocking."""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from common.tables_io.cells import guarded_cell

from directory.files.exports.abridged import Exported
from directory.files.exports.package import PackageWriter
from directory.files.imports.columns import columns
from directory.files.imports.workbook.flat import Value, row_of, values_of
from directory.files.imports.workbook.template import WorkbookWriter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NOTE = "Holds what the exporting client may see. Not for onward publication above that level."


class ExportWriter(ABC):
    """Call `add` for any number of batches, then `finish` once."""

    media_type: str
    extension: str

    def __init__(self, path: Path, language: str, *, labels: bool) -> None:
        self.path = path
        self.language = language
        self.labels = language if labels else None

    def add(self, batch: Sequence[Exported]) -> None:
        for each in batch:
            self._write(each)

    @abstractmethod
    def _write(self, each: Exported) -> None: ...

    def _row(self, each: Exported) -> list[Value]:
        return row_of(each.document, abridged=each.abridged, language=self.labels)

    @abstractmethod
    def finish(self) -> None: ...


class CsvWriter(ExportWriter):
    """The workbook's columns as CSV, in UTF-8 with a byte order mark for spreadsheet programs. Cells that such a
    program might execute are escaped."""

    media_type = "text/csv; charset=utf-8"
    extension = "csv"

    def __init__(self, path: Path, language: str, *, labels: bool) -> None:
        super().__init__(path, language, labels=labels)
        self._file: IO[str] = path.open("w", encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow([column.header(language) for column in columns()])

    def _write(self, each: Exported) -> None:
        self._rows.writerow([guarded_cell(self._cell(value)) for value in self._row(each)])

    def _cell(self, value: Value) -> Value:
        return value

    def finish(self) -> None:
        self._file.close()


class HxlWriter(CsvWriter):
    """The CSV with a row of HXL tags below the headers."""

    extension = "hxl.csv"

    def __init__(self, path: Path, language: str, *, labels: bool) -> None:
        super().__init__(path, language, labels=labels)
        self._rows.writerow([column.hxl for column in columns()])

    def _cell(self, value: Value) -> Value:
        """Return the cell without line breaks and double spaces, which HXL reports as errors."""
        return " ".join(value.split()) if isinstance(value, str) else value


class XlsxWriter(ExportWriter):
    media_type = XLSX
    extension = "xlsx"

    def __init__(self, path: Path, language: str, *, labels: bool) -> None:
        super().__init__(path, language, labels=labels)
        self._book = WorkbookWriter(path, language)

    def _write(self, each: Exported) -> None:
        self._book.add(self._row(each))

    def finish(self) -> None:
        self._book.close()


class GeoJsonWriter(ExportWriter):
    """A FeatureCollection with the workbook's columns as properties, by key. A service without a visible point has no
    geometry."""

    media_type = "application/geo+json"
    extension = "geojson"

    def __init__(self, path: Path, language: str, *, labels: bool) -> None:
        super().__init__(path, language, labels=labels)
        self._file: IO[str] = path.open("w", encoding="utf-8")
        self._file.write('{"type":"FeatureCollection","features":[')
        self._between = ""

    def _write(self, each: Exported) -> None:
        self._file.write(self._between + json.dumps(feature(each), ensure_ascii=False))
        self._between = ",\n"

    def finish(self) -> None:
        self._file.write("]}\n")
        self._file.close()


class HsdsWriter(ExportWriter):
    media_type = "application/zip"
    extension = "zip"

    def __init__(self, path: Path, language: str, *, labels: bool) -> None:
        super().__init__(path, language, labels=labels)
        self._package = PackageWriter()

    def _write(self, each: Exported) -> None:
        self._package.add(each.document, abridged=each.abridged)

    def finish(self) -> None:
        self._package.finish(self.path, _NOTE)


WRITERS: dict[str, type[ExportWriter]] = {
    "hsds": HsdsWriter,
    "xlsx": XlsxWriter,
    "csv": CsvWriter,
    "hxl": HxlWriter,
    "geojson": GeoJsonWriter,
}


def feature(each: Exported) -> dict[str, Any]:
    values = values_of(each.document, abridged=each.abridged)
    latitude, longitude = values.pop("latitude", None), values.pop("longitude", None)
    properties = {
        name: "; ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in values.items()
        if value not in (None, "", [])
    }
    point = None
    if latitude is not None and longitude is not None:
        point = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "id": values["external_id"], "geometry": point,
            "properties": properties}  # fmt: skip
