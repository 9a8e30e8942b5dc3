"""HSDS data packages: the official tables, older formats, and an intentionally dirty package."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from common.errors import Problem
from directory.files.imports.options import Options
from directory.files.imports.outcomes.mapped import Mapped, validated
from directory.files.imports.outcomes.notes import Note, Verdict
from directory.files.imports.package import open_package
from directory.files.imports.package.reader import check_package

from tests.support.reference import reference_data

ORG = "0190b000-0000-7000-8000-000000000001"
SERVICE = "0190b000-0000-7000-8000-000000000002"
PLACE = "0190b000-0000-7000-8000-000000000003"
Tables = Mapping[str, Sequence[Mapping[str, str]]]

PLAIN: dict[str, list[dict[str, str]]] = {
    "organizations.csv": [{"id": ORG, "name": "Casa Abierta", "description": "Una ONG"}],
    "services.csv": [
        {"id": SERVICE, "organization_id": ORG, "name": "Comedor", "status": "active"}
    ],
    "locations.csv": [{"id": PLACE, "location_type": "physical", "name": "Sede", "latitude": "10.5", "longitude": "-66.9"}],
    "service_at_location.csv": [{"id": "s@l", "service_id": SERVICE, "location_id": PLACE}],
}  # fmt: skip

DIRTY: dict[str, list[dict[str, str]]] = {
    **PLAIN,
    "services.csv": [
        {**PLAIN["services.csv"][0], "status": "abierto", "maximum_age": "many", "url": "www.example.org"},
        {"id": "2", "organization_id": "nobody", "name": "Sin organización", "status": "active"},
        {"id": SERVICE, "organization_id": ORG, "name": "Otra vez", "status": "active"},
        {"id": "7", "organization_id": ORG, "name": "Con número", "status": "who knows"},
        {"id": "8", "organization_id": ORG, "name": "", "status": "active"},
    ],
    "phones.csv": [
        {"id": "p1", "service_id": "missing", "number": "1"},
        {"id": "p2", "service_id": SERVICE, "number": ""},
    ],
    "schedules.csv": [{"id": "h", "service_id": SERVICE, "opens_at": "25:99"}],
    "addresses.csv": [{"id": "d", "location_id": PLACE, "address_1": "Calle 1"}],
    "readme.csv": [{"hello": "world"}],
}  # fmt: skip


def package(folder: Path, tables: Tables) -> Path:
    path = folder / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, rows in tables.items():
            text = io.StringIO()
            names = list(dict.fromkeys(key for row in rows for key in row))
            writer = csv.DictWriter(text, names)
            writer.writeheader()
            writer.writerows(rows)
            target.writestr(name, text.getvalue())
    return path


def read(path: Path, **options: Any) -> tuple[list[Mapped], list[Note]]:
    with open_package(path, Options(date(2026, 11, 25), source="test", **options)) as source:
        rows = [each for each in source.rows if not each.organization]
        for row in rows:
            validated(row)
        return rows, source.notes


def codes(notes: list[Note]) -> list[str]:
    return [each.code for each in notes]


def document(mapped: Mapped) -> dict[str, Any]:
    found = validated(mapped)
    assert found is not None, mapped.notes
    return found.plain()


def test_a_small_package_becomes_a_nested_service(tmp_path: Path) -> None:
    tables = {
        **PLAIN,
        "phones.csv": [{"id": "p1", "service_id": SERVICE, "number": "+58 000 000-0001"}],
        "schedules.csv": [
            {"id": "h1", "service_id": SERVICE, "freq": "WEEKLY", "byday": "MO,FR", "opens_at": "9:00 AM", "closes_at": "17:00:00"}
        ],
    }  # fmt: skip
    (row,), notes = read(package(tmp_path, tables), visibility="public")
    service = document(row)
    assert service["organization"]["name"] == "Casa Abierta"
    assert service["phones"][0]["number"] == "+58 000 000-0001"
    assert service["schedules"][0]["opens_at"] == "09:00"
    assert service["service_at_locations"][0]["location"]["latitude"] == 10.5
    assert service["visibility"] == "public"
    assert row.external_id == SERVICE
    assert "time_read_as" in codes(row.notes)
    assert codes(notes) == ["version_read"]


def test_categories_come_from_taxonomy_terms_with_our_codes(tmp_path: Path) -> None:
    tables = {
        **PLAIN,
        "taxonomies.csv": [{"id": "t", "name": "ruta-categories", "description": "x"}],
        "taxonomy_terms.csv": [
            {"id": "a", "code": "GBV-SHELTER", "name": "Safe house", "taxonomy_id": "t"},
            {"id": "b", "code": "BD-180", "name": "Food", "description": "Food"},
        ],
        "attributes.csv": [
            {"id": "1", "link_id": SERVICE, "taxonomy_term_id": "a", "link_entity": "service"},
            {"id": "2", "link_id": SERVICE, "taxonomy_term_id": "b", "link_entity": "service"},
            {"id": "3", "link_id": SERVICE, "taxonomy_term_id": "gone", "link_entity": "service"},
        ],
    }
    (row,), _ = read(package(tmp_path, tables))
    service = document(row)
    assert service["categories"] == ["GBV-SHELTER"]
    assert [each["taxonomy_term"]["code"] for each in service["attributes"]] == ["BD-180"]
    assert {"term_unknown", "visibility_raised", "place_withheld"} <= set(codes(row.notes))
    assert "latitude" not in service["service_at_locations"][0]["location"]


def test_ids_that_are_no_uuids_become_the_same_uuid_each_time(tmp_path: Path) -> None:
    tables = {**PLAIN, "services.csv": [{"id": "7", "organization_id": ORG, "name": "x"}]}
    first = read(package(tmp_path, tables))[0][0]
    again = read(package(tmp_path, tables))[0][0]
    assert document(first)["id"] == document(again)["id"]
    assert first.external_id == "7"


def test_a_link_that_runs_something_is_left_out_and_told(tmp_path: Path) -> None:
    run = {"id": "7", "organization_id": ORG, "name": "x", "url": "JavaScript:alert(1)"}
    (row,), _ = read(package(tmp_path, {**PLAIN, "services.csv": [run]}))
    assert "url" not in document(row)
    assert [each.before for each in row.notes if "url" in each.field] == ["JavaScript:alert(1)"]


def test_version_two_tables_map(tmp_path: Path) -> None:
    tables = {
        "organizations.csv": [{"id": "o1", "name": "Org", "description": "d", "url": "https://example.org"}],
        "services.csv": [{"id": "s1", "organization_id": "o1", "name": "Legal aid", "status": "active"}],
        "locations.csv": [{"id": "l1", "name": "Office"}],
        "services_at_location.csv": [{"id": "x", "service_id": "s1", "location_id": "l1"}],
        "physical_addresses.csv": [{"id": "a", "location_id": "l1", "address_1": "Main St 1", "city": "C", "state_province": "S", "postal_code": "1", "country": "US"}],
        "regular_schedules.csv": [{"id": "r", "service_id": "s1", "weekday": "1", "opens_at": "08:00", "closes_at": "12:00"}],
        "eligibility.csv": [{"id": "e", "service_id": "s1", "eligibility": "Adults"}],
        "payment_accepted.csv": [{"id": "p", "service_id": "s1", "payment": "Cash"}],
        "taxonomy.csv": [{"id": "GP-DOC", "name": "Documentation", "parent_id": "", "vocabulary": "ruta-categories", "code": "GP-DOC"}],
        "services_taxonomy.csv": [{"id": "st", "service_id": "s1", "taxonomy_id": "GP-DOC", "taxonomy_detail": "d"}],
    }  # fmt: skip
    (row,), notes = read(package(tmp_path, tables), visibility="public")
    service = document(row)
    assert "HSDS 2.x" in notes[0].after
    assert service["eligibility_description"] == "Adults"
    assert service["schedules"][0]["byday"] == "MO"
    assert service["cost_options"][0]["option"] == "Cash"
    assert service["categories"] == ["GP-DOC"]
    assert service["organization"]["website"] == "https://example.org"
    address = service["service_at_locations"][0]["location"]["addresses"][0]
    assert (address["city"], address["address_type"]) == ("C", "physical")


def test_ohana_tables_map(tmp_path: Path) -> None:
    tables = {
        "organizations.csv": [{"id": "1", "name": "Org", "description": "d"}],
        "locations.csv": [{"id": "1", "organization_id": "1", "name": "Office", "accessibility": "ramp, elevator", "languages": "Spanish"}],
        "services.csv": [{"id": "1", "location_id": "1", "name": "Pantry", "audience": "Families", "eligibility": "Residents", "how_to_apply": "Walk in", "taxonomy_ids": "101, 102", "service_areas": "Zulia, Táchira", "status": "active"}],
        "taxonomy.csv": [{"taxonomy_id": "101", "name": "Food", "parent_id": "", "parent_name": ""}],
        "mail_addresses.csv": [{"id": "1", "location_id": "1", "attention": "x", "address_1": "Box 1", "city": "C", "state_province": "S", "postal_code": "1", "country": "US"}],
        "phones.csv": [{"id": "1", "location_id": "1", "number": "555", "number_type": "voice", "vanity_number": "FOOD"}],
    }  # fmt: skip
    (row,), _ = read(package(tmp_path, tables), visibility="public")
    service = document(row)
    assert service["organization"]["name"] == "Org"
    assert service["application_process"] == "Walk in"
    assert set(service["eligibility_description"].split("; ")) == {"Residents", "Families"}
    assert [area["name"] for area in service["service_areas"]] == ["Zulia", "Táchira"]
    location = service["service_at_locations"][0]["location"]
    assert [each["description"] for each in location["accessibility"]] == ["ramp", "elevator"]
    assert location["phones"][0]["type"] == "voice"
    assert location["addresses"][0]["address_type"] == "postal"
    assert [each["taxonomy_term"]["name"] for each in service["attributes"]] == ["Food"]
    assert "term_unknown" in codes(row.notes)


@pytest.fixture
def official(tmp_path: Path) -> Path:
    folder = reference_data("hsds/examples/csv")
    path = tmp_path / "official.zip"
    with zipfile.ZipFile(path, "w") as target:
        for each in sorted(folder.iterdir()):
            target.write(each, f"csv/{each.name}")
    return path


def test_the_official_tables_keep_the_content_of_all_24(official: Path) -> None:
    rows, notes = read(official, visibility="public")
    services = [document(row) for row in rows]
    assert services
    service = services[0]
    assert service["name"] == "Community Counselling"
    for name in ("organization", "service_at_locations", "schedules", "capacities"):
        assert name in str(service), name
    assert not [each for each in notes if each.code == "field_unknown"]


def test_tables_and_names_of_version_2_come_in_whole(tmp_path: Path) -> None:
    tables = {
        **PLAIN,
        "locations.csv": [
            {"id": "1", "location_type": "physical", "name": "Sede", "email": "sede@example.org"}
        ],
        "services.csv": [{**PLAIN["services.csv"][0], "location_id": "1"}],
        "service_at_location.csv": [{"id": "x", "service_id": SERVICE, "location_id": "1"}],
        "physical_addresses.csv": [{"id": "1", "location_id": "1", "address_1": "Calle Uno"}],
        "postal_addresses.csv": [{"id": "1", "location_id": "1", "address_1": "Apartado 9"}],
        "phones.csv": [
            {"id": "p", "service_id": SERVICE, "location_id": "1", "number": "+58 1 2345678"}
        ],
        "taxonomy_terms.csv": [{"id": "7", "term": "Food", "description": "Food"}],
        "service_attributes.csv": [{"id": "a", "service_id": SERVICE, "taxonomy_term_id": "7"}],
        "schedules.csv": [
            {"id": "h", "service_id": SERVICE, "byday": "Monday - Friday", "opens_at": "08:00"},
            {"id": "i", "service_id": SERVICE, "byday": "whenever", "opens_at": "08:00"},
        ],
    }
    (row,), _ = read(package(tmp_path, tables), visibility="public")
    service = document(row)
    assert service["phones"][0]["number"] == "+58 1 2345678"
    assert [each["taxonomy_term"]["name"] for each in service["attributes"]] == ["Food"]
    place = service["service_at_locations"][0]["location"]
    lines = {(each["address_type"], each["address_1"]) for each in place["addresses"]}
    assert lines == {("physical", "Calle Uno"), ("postal", "Apartado 9")}
    assert len({each["id"] for each in place["addresses"]}) == 2
    assert place["contacts"][0]["email"] == "sede@example.org"
    assert service["schedules"][0]["byday"] == "MO,TU,WE,TH,FR"
    assert "byday" not in service["schedules"][1]
    assert "value_unreadable" in codes(row.notes)


def test_several_links_in_a_cell_are_several_links(tmp_path: Path) -> None:
    tables = {
        "organizations.csv": PLAIN["organizations.csv"],
        "services.csv": [{**PLAIN["services.csv"][0], "location_id": f"{PLACE}; 2"}],
        "locations.csv": [
            *PLAIN["locations.csv"],
            {"id": "2", "location_type": "physical", "name": "Anexo", "latitude": "999", "longitude": "1"},
        ],
    }  # fmt: skip
    (row,), _ = read(package(tmp_path, tables), visibility="public")
    sites = document(row)["service_at_locations"]
    assert {each["location"]["name"] for each in sites} == {"Sede", "Anexo"}
    assert all(each["location"].get("latitude") != 999 for each in sites)
    assert "coordinates_invalid" in codes(row.notes)


def test_services_that_share_a_place_are_read_as_each_alone(tmp_path: Path) -> None:
    services = [
        {"id": f"s{n}", "organization_id": ORG, "name": "Comedor", "status": "active"}
        for n in range(3)
    ]
    tables: dict[str, list[dict[str, str]]] = {
        **PLAIN,
        "services.csv": services,
        "locations.csv": [*PLAIN["locations.csv"], {"id": "long", "location_type": "physical", "external_identifier": "1", "name": "Otra", "pcode": "XX99"}],
        "service_at_location.csv": [
            *({"id": f"{n}@1", "service_id": f"s{n}", "location_id": PLACE} for n in range(3)),
            *({"id": f"{n}@2", "service_id": f"s{n}", "location_id": "long"} for n in range(1, 3)),
        ],
    }  # fmt: skip
    alone, _ = read(package(tmp_path, tables))
    with open_package(
        tmp_path / "package.zip", Options(date(2026, 11, 25), source="test")
    ) as source:
        rows = [each for each in source.rows if not each.organization]
        together = [validated(each) for each in rows]
    assert [each is None for each in together] == [False, True, True]
    assert [each.notes for each in rows] == [each.notes for each in alone]
    assert "service_at_locations/1/location/pcode" in {each.field for each in rows[2].notes}
    assert together[0] is not None
    assert together[0].plain() == document(alone[0])


@pytest.mark.parametrize(
    "file", ["services", "locations", "service_at_location", "phones", "contacts", "organizations"]
)
def test_a_level_that_is_none_keeps_out_whatever_has_it(tmp_path: Path, file: str) -> None:
    tables: dict[str, list[dict[str, str]]] = {
        **PLAIN,
        "services.csv": [*PLAIN["services.csv"], {**PLAIN["services.csv"][0], "id": "s2"}],
        "service_at_location.csv": [*PLAIN["service_at_location.csv"], {"id": "2@l", "service_id": "s2", "location_id": PLACE}],
        "phones.csv": [{"id": "p1", "service_id": SERVICE, "number": "1"}, {"id": "p2", "service_id": "s2", "number": "2"}],
        "contacts.csv": [{"id": "c1", "service_id": SERVICE, "name": "A"}, {"id": "c2", "service_id": "s2", "name": "B"}],
    }  # fmt: skip
    name = f"{file}.csv"
    hidden = {**tables, name: [{**row, "visibility": "Restricted"} for row in tables[name]]}
    rows, _ = read(package(tmp_path, hidden), visibility="public")
    assert "restricted" in {found for row in rows for found in levels_in(row.document)}
    unknown = {**tables, name: [{**row, "visibility": "secreto"} for row in tables[name]]}
    rows, _ = read(package(tmp_path, unknown), visibility="public")
    assert [row.verdict for row in rows] == [Verdict.REFUSED, Verdict.REFUSED]
    assert "value_unknown" in codes(rows[0].notes)


def levels_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "visibility" in value:
            yield value["visibility"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from levels_in(each)


def test_a_package_of_two_packages_is_refused_with_both_their_tables(tmp_path: Path) -> None:
    """A package that contains two packages is refused. The report names services by line, so two services on the same
    line could not be stored."""
    tables = {f"{folder}/{name}": rows for folder in "ab" for name, rows in PLAIN.items()}
    with pytest.raises(Problem) as refused:
        check_package(package(tmp_path, tables), 1_000)
    assert "a/services.csv, b/services.csv" in refused.value.detail
