"""The importer accepts the fictional demo services without repairs."""

import io
import re
from collections import Counter

import pytest
from directory.files.imports.outcomes.mapped import Mapped, validated
from directory.files.imports.outcomes.notes import Verdict
from directory.files.imports.reading.delimited import read_delimited
from directory.files.imports.workbook.tabular import map_table
from directory.ground.demo_data import demo_services

from tests.support.principals import organisation


@pytest.fixture(scope="module")
def rows() -> list[Mapped]:
    table = read_delimited(io.BytesIO(demo_services()))
    mapped = list(map_table(table, visibility=None, country=""))
    for each in mapped:
        validated(each)
    assert table.notes == []
    return mapped


def test_every_row_is_taken_as_it_stands(rows: list[Mapped]) -> None:
    assert len(rows) >= 60
    assert [(row.number, row.notes) for row in rows if row.verdict is not Verdict.ACCEPTED] == []


def test_the_demo_shows_all_levels_pathways_and_states(rows: list[Mapped]) -> None:
    documents = [row.document for row in rows if row.document]
    assert set(Counter(each["visibility"] for each in documents)) == {
        "public",
        "partners",
        "pathway",
        "restricted",
    }
    assert {step["aor"] for each in documents for step in each.get("pathway", [])} == {
        "GBV",
        "CP",
        "TIP",
        "GP",
    }
    places = {
        site["location"]["pcode"][:4] for each in documents for site in each["service_at_locations"]
    }
    assert {"VE01", "VE07", "VE15", "VE20", "VE23"} == places
    assert len({each["organization"]["name"] for each in documents}) == 20


def test_the_three_demo_organisations_offer_services(rows: list[Mapped]) -> None:
    owners = Counter(row.document["organization"].get("id") for row in rows if row.document)
    for number in (1, 2, 3):
        assert owners[str(organisation(number))] >= 4


def test_shelters_are_restricted_and_without_a_place(rows: list[Mapped]) -> None:
    for row in rows:
        document = row.document
        if document and {"GBV-SHELTER", "TIP-SAFE"} & set(document["categories"]):
            location = document["service_at_locations"][0]["location"]
            assert document["visibility"] == "restricted"
            assert not {"latitude", "longitude", "addresses"} & location.keys()
            assert re.fullmatch("VE[0-9]{2}", location["pcode"])
            assert document["referral"]["intermediary"]


def test_telephone_numbers_are_obviously_fictional(rows: list[Mapped]) -> None:
    numbers = [
        phone["number"] for row in rows if row.document for phone in row.document.get("phones", [])
    ]
    assert numbers
    assert all(number.startswith("+58 000 000-") for number in numbers)
