"""5W exports pass libhxl with our schema, and the schema rejects each kind of error."""

import csv
import io
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import hxl  # type: ignore[import-untyped]  # ships no types
import pytest
from common.words.places import Places
from reporting.count.activities.activity import Activity, published
from reporting.count.activities.fivews import hxl_table, r4v_table, venezuelan_table
from reporting.ground.tabular.files import as_csv, as_hxl

from tests.services.reporting.bulletins.story import activities
from tests.support.reference import shipped_json

PLACES = Places.load()
WORDS = shipped_json("fivews/words.json")
SCHEMA = files("reporting.publish.exports").joinpath("data", "5w_schema.json")


def rows(*changed: Activity) -> list[list[str]]:
    table = hxl_table([*activities(("2026-11a",)), *changed], "es", PLACES)
    return list(csv.reader(io.StringIO(as_hxl(table, "es").decode())))


def faults(cells: list[list[str]], tmp_path: Path) -> list[str]:
    found: list[str] = []
    schema_file = tmp_path / "schema.json"
    schema_file.write_bytes(SCHEMA.read_bytes())
    schema = hxl.schema(
        hxl.data(str(schema_file), hxl.InputOptions(allow_local=True)),
        callback=lambda fault: found.append(str(fault.rule.tag_pattern)),
    )
    schema.validate(hxl.data(cells))
    return found


def column(cells: list[list[str]], tag: str) -> int:
    return cells[1].index(tag)


def test_the_export_is_valid(tmp_path: Path) -> None:
    assert faults(rows(), tmp_path) == []


@pytest.mark.parametrize(
    ("tag", "bad"),
    [
        ("#org+prog+name", ""),
        ("#org+impl+name", ""),
        ("#activity+code", ""),
        ("#adm1+code", "Zulia"),
        ("#adm1+code", ""),
        ("#adm2+code", "VE23"),
        ("#status", "Finished"),
        ("#status", ""),
        ("#date+start", "2026-13-01"),
        ("#date+start", ""),
        ("#date+end", "soon"),
        ("#reached+f+adults", "abc"),
        ("#reached+ind", "-1"),
        ("#output+num", "many"),
        ("#meta+masked", "perhaps"),
    ],
)
def test_the_schema_refuses_each_fault(tag: str, bad: str, tmp_path: Path) -> None:
    cells = rows()
    cells[5][column(cells, tag)] = bad
    assert faults(cells, tmp_path), tag


def test_masked_people_are_empty_and_flagged_and_never_in_words() -> None:
    cells = rows()
    flag = column(cells, "#meta+masked")
    people = [place for place, tag in enumerate(cells[1]) if tag.startswith("#reached")]
    masked = [row for row in cells[2:] if row[flag] == "yes"]
    open_rows = [row for row in cells[2:] if row[flag] == "no"]
    assert masked
    assert open_rows
    for row in masked:
        assert all(row[place] == "" for place in people)
    for row in cells[2:]:
        assert all(row[place] == "" or row[place].isdigit() for place in people)


def test_the_published_form_of_a_service_row_is_masked_in_every_layout() -> None:
    row = replace(
        activities(("2026-11a",))[0],
        activity_code="CLPRO/CA2.07",
        type="protection_service",
        location_name="Casa Azul",
        activity_detail="refugio de VBG",
        reached=4,
        women=4,
    )
    for table in (
        hxl_table([published(row)], "es", PLACES),
        venezuelan_table([published(row)], PLACES),
        r4v_table([published(row)], "en", PLACES),
    ):
        (record,) = table.records()
        assert 4 not in record.values()
        assert not {"Casa Azul", "refugio de VBG"} & set(map(str, record.values()))
        assert "yes" in record.values()


def test_the_venezuelan_layout_has_the_published_columns_in_their_order() -> None:
    table = venezuelan_table(activities(("2026-11a",)), PLACES)
    assert [[c.key, c.hxl] for c in table.columns[:-1]] == WORDS["ven_columns"]
    assert table.columns[-1].hxl == "#meta+masked"


def test_the_venezuelan_layout_speaks_the_words_of_the_real_5w() -> None:
    base = activities(("2026-11a",))[0]
    from reporting.count.activities.codes import terms

    ours = {
        record["org_leader_type"]
        for code in terms("organisation_type")
        for record in venezuelan_table([replace(base, org_leader_type=code)], PLACES).records()
    }
    assert set(WORDS["ven_organisation_types"]) <= ours
    shown = {
        record["tlocation"]
        for code in terms("location_type")
        for record in venezuelan_table([replace(base, tlocation=code)], PLACES).records()
    }
    assert set(WORDS["ven_location_types"]) <= shown


def test_the_regional_layout_has_the_regional_columns() -> None:
    table = r4v_table(activities(("2026-11a",)), "en", PLACES)
    assert [c.key for c in table.columns[:-1]] == WORDS["r4v_columns"]
    assert {record["Subsector"] for record in table.records()} <= set(WORDS["r4v_subsectors"])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_cell_of_a_partner_is_a_formula(start: str) -> None:
    hostile = f"{start}cmd|' /C calc'!A0"
    row = replace(activities(("2026-11a",))[0], org_leader=hostile, org_implementer=hostile)
    for table in (hxl_table([row], "es", PLACES), venezuelan_table([row], PLACES)):
        for file in (as_csv(table), as_hxl(table, "es")):
            cells: list[Any] = list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))
            assert all(not cell.startswith(start) for line in cells for cell in line)


def test_every_member_of_the_schema_is_one_that_libhxl_reads() -> None:
    """libhxl silently ignores a misspelt member."""
    known = {
        "#valid_tag",
        "#description",
        "#valid_severity",
        "#valid_required",
        "#valid_datatype",
        "#valid_value+min",
        "#valid_value+regex",
        "#valid_value+list",
    }
    rules = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert {member for rule in rules for member in rule} <= known
