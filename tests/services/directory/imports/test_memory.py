"""Memory does not grow with the file, because only a row's id stays in memory."""

import csv
import gc
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from directory.files.imports.columns import columns
from directory.files.imports.formats import format_of
from directory.files.imports.options import Options
from directory.files.imports.outcomes.mapped import validated
from directory.files.imports.outcomes.notes import Verdict
from directory.files.imports.outcomes.report import Report
from directory.files.imports.sources import open_source
from directory.files.imports.workbook.template import WorkbookWriter

FEW, MANY = 500, 3_000
PER_ROW_BYTES = 800
"""What may stay of a row: its external id in a dictionary, and what the collector has not yet taken.
A row that is kept takes several thousand."""


def csv_of(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["external_id", "organisation", "name", "categories", "visibility", "pcode"]
        )
        for n in range(rows):
            writer.writerow(
                [f"X-{n}", f"Org {n % 50}", f"Servicio {n}", "GP-INFO", "public", "VE2313"]
            )


def xlsx_of(path: Path, rows: int) -> None:
    writer = WorkbookWriter(path, "es")
    keys = [column.key for column in columns()]
    for n in range(rows):
        values = {"external_id": f"X-{n}", "organisation": "Org", "name": "Servicio",
                  "categories": "GP-INFO", "visibility": "public"}  # fmt: skip
        writer.add([values.get(key) for key in keys])
    writer.close()


def geojson_of(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        for n in range(rows):
            file.write("," * (n > 0))
            file.write(
                f'{{"type":"Feature","id":"X-{n}","geometry":null,"properties":'
                '{"organisation":"Org","name":"Uno","categories":"GP-INFO","visibility":"public"}}'
            )
        file.write("]}")


def package_of(path: Path, rows: int) -> None:
    organisations, services, phones = io.StringIO(), io.StringIO(), io.StringIO()
    csv.writer(organisations).writerows([["id", "name", "description"], ["o", "Org", "d"]])
    writer = csv.writer(services)
    writer.writerow(["id", "organization_id", "name", "status"])
    writer.writerows([f"s{n}", "o", f"Servicio {n}", "active"] for n in range(rows))
    writer = csv.writer(phones)
    writer.writerow(["id", "service_id", "number"])
    writer.writerows([f"p{n}", f"s{n}", "1"] for n in range(rows))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("organizations.csv", organisations.getvalue())
        target.writestr("services.csv", services.getvalue())
        target.writestr("phones.csv", phones.getvalue())


def told_of(make: Callable[[Path, int], None], rows: int) -> int:
    """Return the number of rows in the report; a package also reports its one organisation."""
    return rows + 1 if make is package_of else rows


def peak_of(make: Callable[[Path, int], None], folder: Path, rows: int) -> int:
    path = folder / f"upload-{rows}"
    make(path, rows)
    kind = format_of(path, None)
    gc.collect()
    tracemalloc.start()
    try:
        with (
            open_source(path, kind, Options(date(2026, 11, 25), source="t")) as source,
            Report() as report,
        ):
            for row in source.rows:
                validated(row)
                report.add(row, None)
            assert report.verdicts.total() == told_of(make, rows)
            assert report.verdicts[Verdict.REFUSED] == 0
            assert sum(1 for _ in report.rows()) == told_of(make, rows)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("make", [csv_of, xlsx_of, geojson_of, package_of])
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, make: Callable[[Path, int], None]
) -> None:
    peak_of(make, tmp_path, 100)  # Load lazy tables first.
    few, many = peak_of(make, tmp_path, FEW), peak_of(make, tmp_path, MANY)
    assert many - few < (MANY - FEW) * PER_ROW_BYTES
