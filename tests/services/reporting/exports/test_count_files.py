"""Protected counts as files: every number of every format is a sum of the cube's cells."""

import csv
import io
import json
from itertools import product
from typing import Any

import hxl  # type: ignore[import-untyped]  # ships no types
import jsonschema
import openpyxl
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest
from common.words.places import Places
from reporting.ground.periods import PeriodKind
from reporting.ground.programmes.catalogue import programme, shipped
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import summed
from reporting.ground.tabular.files import as_file, as_hxl
from reporting.ground.tabular.tables import Table
from reporting.publish.exports.dhis2 import (
    NoDhis2PeriodError,
    NoOrgUnitError,
    UnmappedError,
    as_dhis2,
    code,
    country_of,
)
from reporting.publish.exports.release_table import release_table

from tests.services.reporting.bulletins.story import cube

PLACES = Places.load()
REFERRALS = programme("referrals")
CUBE = cube(REFERRALS, "2026-11a", 900)
MONTH = summed((CUBE, cube(REFERRALS, "2026-11b", 700)), "2026-11")


def table(*by: str) -> Table:
    return release_table(REFERRALS, CUBE, "release-1", by)


def counts(form: str, *by: str) -> list[int]:
    file = as_file(table(*by), form, "es").content  # type: ignore[arg-type]  # a parameter
    match form:
        case "csv":
            lines = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
            return [int(line["persons"]) for line in lines]
        case "hxl":
            cells = list(csv.reader(io.StringIO(file.decode())))
            place = cells[1].index("#affected+ind+num")
            return [int(row[place]) for row in cells[2:]]
        case "parquet":
            return list(pq.read_table(io.BytesIO(file)).column("persons").to_pylist())
    sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    place = heads.index("personas")
    return [int(str(row[place])) for row in sheet.iter_rows(min_row=2, values_only=True)]


@pytest.mark.parametrize("form", ["csv", "hxl", "parquet", "xlsx"])
@pytest.mark.parametrize("by", [(), ("area",), ("sex", "age_band")])
def test_all_formats_say_the_same_sums(form: str, by: tuple[str, ...]) -> None:
    expected = [row.count for row in CUBE.margin(by or CUBE.names)]
    assert counts(form, *by) == expected
    assert sum(expected) == CUBE.total()
    assert all(count % 11 == 0 for count in expected)


def test_every_row_names_its_release_and_threshold() -> None:
    for record in table("area").records():
        assert (record["releases"], record["multiple_of"]) == ("release-1", 11)


def test_codes_have_labels_in_both_languages() -> None:
    for record in table("age_band", "progress").records():
        assert record["progress_es"] != record["progress_en"]


def test_equal_tables_give_equal_files() -> None:
    for form in ("csv", "hxl", "parquet", "xlsx"):
        one, two = (as_file(table(), form, "en") for _ in range(2))
        assert one == two, form


# The members of https://docs.dhis2.org/en/develop/using-the-api/dhis-core-version-240/data.html
DATA_VALUE_SETS: dict[str, Any] = {
    "type": "object",
    "required": ["dataSet", "period", "dataValues"],
    "additionalProperties": False,
    "properties": {
        "dataSet": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]{0,49}$"},
        "period": {"type": "string", "pattern": "^\\d{4}((0[1-9]|1[0-2])|Q[1-4])$"},
        "dataValues": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [
                    "dataElement",
                    "period",
                    "orgUnit",
                    "categoryOptionCombo",
                    "value",
                ],
                "additionalProperties": False,
                "properties": {
                    "dataElement": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]{0,49}$"},
                    "period": {"type": "string", "pattern": "^\\d{4}((0[1-9]|1[0-2])|Q[1-4])$"},
                    "orgUnit": {"type": "string", "pattern": "^[A-Z]{2}(\\d{2})?$"},
                    "categoryOptionCombo": {
                        "type": "string",
                        "pattern": "^[A-Z0-9][A-Z0-9_]{0,49}$",
                    },
                    "value": {"type": "string", "pattern": "^[0-9]+$"},
                },
            },
        },
    },
}


def test_the_dhis2_file_has_the_documented_shape_and_the_sum_of_both_releases() -> None:
    payload = json.loads(as_dhis2(MONTH, country_of(MONTH.dimensions, PLACES)))
    jsonschema.validate(payload, DATA_VALUE_SETS)
    assert payload["period"] == "202611"
    values = payload["dataValues"]
    assert sum(int(value["value"]) for value in values) == MONTH.total()
    keys = [(v["orgUnit"], v["dataElement"], v["categoryOptionCombo"]) for v in values]
    assert len(set(keys)) == len(keys), "DHIS2 would overwrite the first of two equal keys"
    assert "VE" in {value["orgUnit"] for value in values}, "unknown areas go to the country"


def test_no_two_combinations_of_any_programme_share_a_dhis2_code() -> None:
    """If two codes were equal, DHIS2 would overwrite one count with the other."""
    for each in shipped():
        others = [d.codes for d in each.cube_dimensions if d.name != "area"]
        codes = [code(*combination) for combination in product(*others)]
        assert len(set(codes)) == len(codes), each.id
        assert max(map(len, codes)) <= 50


def test_dhis2_has_no_half_months_and_no_counts_without_an_area() -> None:
    with pytest.raises(NoDhis2PeriodError):
        as_dhis2(CUBE, "VE")
    routes = cube(programme("routes"), "2026-Q3", 300)
    with pytest.raises(NoOrgUnitError):
        country_of(routes.dimensions, PLACES)


def test_a_mapping_that_lacks_codes_names_them() -> None:
    with pytest.raises(UnmappedError) as lacking:
        as_dhis2(MONTH, "VE", {"RUTA_REFERRALS": "a1b2c3d4e5f"})
    assert "RUTA_REFERRALS" not in lacking.value.codes
    assert "VE23" in lacking.value.codes


@pytest.mark.parametrize("wanted", list(shipped()), ids=lambda programme: programme.id)
def test_hxl_of_every_count_programme_passes_the_default_schema_of_libhxl(
    wanted: Programme,
) -> None:
    """The test ignores libhxl's hints on outliers, which are about the numbers and not the file."""
    quarterly = wanted.period_kind is PeriodKind.QUARTER
    counts = cube(wanted, "2026-Q3" if quarterly else "2026-11a", 600)
    table = release_table(wanted, counts, "release")
    rows = list(csv.reader(io.StringIO(as_hxl(table, "en").decode())))
    found: list[Any] = []
    hxl.schema(callback=found.append).validate(hxl.data(rows))
    assert [(str(e.column), e.message) for e in found if e.rule.severity != "info"] == []
    typed = {column.key: column.kind for column in table.columns}
    assert {typed["period_start"], typed["period_end"]} == {"date"}
    assert {typed["low"], typed["high"], typed["multiple_of"]} == {"integer"}
