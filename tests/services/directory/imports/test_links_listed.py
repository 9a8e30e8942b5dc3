"""Cells with several ids, in any column that links two tables."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from common.db.session import Database
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_package import package
from tests.support.read_back import read_back

WHO = "im-officer"
TWO: dict[str, list[dict[str, str]]] = {
    "organizations.csv": [{"id": "o1", "name": "Uno", "description": "d"}, {"id": "o2", "name": "Dos", "description": "d"}],
    "services.csv": [
        {"id": f"s{n}", "organization_id": "o1", "name": f"Servicio {n}", "status": "active"} for n in (1, 2)
    ],
    "locations.csv": [
        {"id": f"l{n}", "location_type": "physical", "name": f"Sede {n}"} for n in (1, 2)
    ],
    "taxonomy_terms.csv": [{"id": f"t{n}", "name": f"Palabra {n}", "description": "d"} for n in (1, 2)],
    "programs.csv": [{"id": "p1", "organization_id": "o1", "name": "Programa", "description": "d"}],
}  # fmt: skip


def services(**more: str) -> dict[str, list[dict[str, str]]]:
    return {"services.csv": [{**each, **more} for each in TWO["services.csv"]]}


BOTH = "s1; s2"
LISTED: dict[str, tuple[dict[str, list[dict[str, str]]], str, int]] = {
    "phones to services": ({"phones.csv": [{"id": "f", "service_id": BOTH, "number": "0261 5550101"}]}, "phones", 1),
    "a JSON array": ({"phones.csv": [{"id": "f", "service_id": '["s1","s2"]', "number": "0261 5550101"}]}, "phones", 1),
    "the plural name": ({"contacts.csv": [{"id": "c", "service_ids": "s1|s2", "name": "Ana"}]}, "contacts", 1),
    "contacts": ({"contacts.csv": [{"id": "c", "service_id": "s1,s2", "name": "Ana"}]}, "contacts", 1),
    "attributes to services": ({"attributes.csv": [{"id": "a", "link_id": BOTH, "link_entity": "service", "taxonomy_term_id": "t1"}]}, "attributes", 1),
    "attributes to terms": ({"attributes.csv": [{"id": f"a{n}", "link_id": f"s{n}", "link_entity": "service", "taxonomy_term_id": "t1; t2"} for n in (1, 2)]}, "attributes", 2),
    "places of services": ({"service_at_location.csv": [{"id": "x", "service_id": BOTH, "location_id": "l1;l2"}]}, "service_at_locations", 2),
    "services list phones": ({**services(phones="f1, f2"), "phones.csv": [{"id": f"f{n}", "number": f"0261 555010{n}"} for n in (1, 2)]}, "phones", 2),
    "services list ids of schedules": ({**services(schedule_ids="h1"), "schedules.csv": [{"id": "h1", "freq": "WEEKLY", "byday": "MO", "opens_at": "08:00", "closes_at": "12:00"}]}, "schedules", 1),
    "services list places": (services(location_ids="l1, l2"), "service_at_locations", 2),
}  # fmt: skip


async def brought(api: AsyncClient, path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    answer = await api.post(
        f"{V1}/imports",
        content=await asyncio.to_thread(path.read_bytes),
        params={"mode": "skip-bad", "visibility": "public"},
        headers=as_(WHO),
    )
    assert answer.status_code == 201, answer.text
    full = await api.get(f"{V1}/services", params={"full": "true"}, headers=as_(WHO))
    back = await read_back(api, path, answer.json(), as_(WHO))
    assert back.silent == {}
    return answer.json(), full.json()["contents"]


@pytest.mark.parametrize("case", LISTED)
async def test_a_row_is_kept_with_each_id_that_its_link_lists(
    api: AsyncClient, database: Database, tmp_path: Path, case: str
) -> None:
    tables, name, count = LISTED[case]
    found, kept = await brought(api, package(tmp_path, {**TWO, **tables}))
    assert [len(each.get(name, ())) for each in kept] == [count, count]
    codes = {reason["code"] for each in found["fidelity"]["fields"] for reason in each["reasons"]}
    assert "field_unknown" not in codes
    assert "links_listed" in codes or "places" in case


async def test_what_has_room_for_one_keeps_the_first_that_exists_and_says_so(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    tables = {**TWO, **services(organization_id="gone; o2; o1", program_id="p1; p9")}
    found, kept = await brought(api, package(tmp_path, tables))
    assert {each["organization"]["name"] for each in kept} == {"Dos"}
    rows = (await api.get(found["rows_url"], headers=as_(WHO))).json()["items"]
    assert {"links_several"} <= {each["code"] for row in rows for each in row["notes"]}
    assert found["rows"]["refused"] == 0


async def test_the_note_names_the_id_that_does_not_exist_and_no_other(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    tables = {**TWO, "phones.csv": [{"id": "f", "service_id": "s1; s9", "number": "0261 5550101"}]}
    found, kept = await brought(api, package(tmp_path, tables))
    assert [len(each.get("phones", ())) for each in kept] == [1, 0]
    (said,) = (each for each in found["notes"] if each["code"] == "link_dangling")
    assert said["before"] == "s9"


async def test_an_id_with_a_comma_stays_one_id(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    tables = {
        **TWO,
        "organizations.csv": [{"id": "o1, o2", "name": "Entera", "description": "d"}],
        **services(organization_id="o1, o2"),
    }
    _, kept = await brought(api, package(tmp_path, tables))
    assert {each["organization"]["name"] for each in kept} == {"Entera"}


async def test_an_attribute_belongs_to_the_table_that_it_names_where_tables_share_ids(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    """Each attribute belongs to the table that it names, because many publishers number each table from 1."""
    tables = {
        "organizations.csv": [{"id": "1", "name": "Uno", "description": "d"}],
        "services.csv": [
            {"id": "1", "organization_id": "1", "name": "Servicio", "status": "active"}
        ],
        "phones.csv": [{"id": "1", "service_id": "1", "number": "0261 5550101"}],
        "taxonomy.csv": [{"id": "T1", "name": "Palabra", "parent_id": ""}],
        "services_taxonomy.csv": [{"id": "1", "service_id": "1", "taxonomy_id": "T1"}],
        "metadata.csv": [
            {
                "id": "1", "resource_id": "1", "resource_type": "phone", "field_name": "number",
                "last_action_date": "2026-01-31", "last_action_type": "update", "previous_value": "a",
                "replacement_value": "b", "updated_by": "x",
            }
        ],
    }  # fmt: skip
    found, (kept,) = await brought(api, package(tmp_path, tables))
    assert [each["taxonomy_term"]["name"] for each in kept["attributes"]] == ["Palabra"]
    (phone,) = kept["phones"]
    assert "attributes" not in {**phone, **kept["organization"]}
    assert ["metadata" in each for each in (phone, kept)] == [True, False]
    (row,) = (await api.get(found["rows_url"], headers=as_(WHO))).json()["items"]
    told = [(each["code"], each.get("field")) for each in row["notes"]]
    assert len(told) == len(set(told))


async def test_words_in_a_column_named_as_a_table_are_told_as_unknown(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    found, _ = await brought(api, package(tmp_path, {**TWO, **services(phones="0261 5550101")}))
    assert "services.csv phones" in {each.get("field") for each in found["notes"]}


async def test_a_service_without_an_organisation_is_refused_for_that_reason(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    found, kept = await brought(api, package(tmp_path, {**TWO, **services(organization_id="")}))
    rows = (await api.get(found["rows_url"], headers=as_(WHO))).json()["items"]
    assert [[each["code"] for each in row["notes"] if each["weight"] == "refused"] for row in rows] == [["organisation_missing"]] * 2  # fmt: skip
    assert kept == []
