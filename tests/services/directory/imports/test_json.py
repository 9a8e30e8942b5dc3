"""HSDS as JSON: one service, lists, pages of an API, one object per line, tables by name, and the first British
version."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from common.db.session import Database
from httpx import AsyncClient, Response

from tests.services.directory.conftest import V1, as_
from tests.support.read_back import read_back
from tests.support.reference import reference_data

WHO = "im-officer"
ORG = {"id": "o-1", "name": "Fundación Puertas", "description": "ONG", "phones": [{"id": "p-org", "number": "0212 5550100"}]}  # fmt: skip
PLACE = {
    "id": "l-1", "location_type": "physical", "name": "Sede", "latitude": 10.64, "longitude": -71.61,
    "addresses": [{"id": "a-1", "address_1": "Calle 72", "city": "Maracaibo", "state_province": "Zulia",
                   "postal_code": "4001", "country": "VE", "address_type": "physical"}],
}  # fmt: skip


def service(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"s-{number}",
        "name": f"Comedor {number}",
        "description": "Almuerzos",
        "status": "active",
        "minimum_age": 3,
        "organization": ORG,
        "phones": [{"id": f"p-{number}", "number": "0261 5550199", "languages": [{"id": f"g-{number}", "name": "Wayuunaiki"}]}],
        "schedules": [{"id": f"h-{number}", "freq": "WEEKLY", "byday": "MO,WE", "opens_at": "08:00", "closes_at": "16:00"}],
        "service_at_locations": [{"id": f"x-{number}", "location": PLACE}],
        "attributes": [{"id": f"t-{number}", "taxonomy_term": {"id": "food", "name": "Food", "description": "Food", "taxonomy_detail": {"id": "mine", "name": "mine", "description": "Ours"}}}],
        **more,
    }  # fmt: skip


def pages(entries: list[dict[str, Any]], size: int = 2) -> list[dict[str, Any]]:
    cut = [entries[at : at + size] for at in range(0, len(entries), size)]
    return [
        {"total_items": len(entries), "total_pages": len(cut), "page_number": at, "size": len(one),
         "first_page": at == 1, "last_page": at == len(cut), "empty": False, "contents": one}
        for at, one in enumerate(cut, 1)
    ]  # fmt: skip


async def brought(api: AsyncClient, content: bytes, **query: str) -> Response:
    params = {"mode": "skip-bad", **query}
    return await api.post(f"{V1}/imports", content=content, params=params, headers=as_(WHO))


def lines(found: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, found)).encode()


FORMS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "list": lambda given: json.dumps(given).encode(),
    "list with a mark": lambda given: b"\xef\xbb\xbf" + json.dumps(given).encode(),
    "one object a line": lines,
    "pages": lambda given: lines(pages(given)),
    "by name": lambda given: json.dumps({"services": given}).encode(),
    "places": lambda given: json.dumps(
        pages([{**given[0]["service_at_locations"][0], "id": f"x-{each['id'][2:]}",
                "service": {k: v for k, v in each.items() if k != "service_at_locations"}} for each in given], 9)[0]
    ).encode(),
    "organisations": lambda given: json.dumps(
        pages([{**ORG, "services": [{k: v for k, v in each.items() if k != "organization"} for each in given]}], 9)[0]
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_the_same_services_is_stored_whole(
    api: AsyncClient, database: Database, tmp_path: Path, form: str
) -> None:
    content = FORMS[form]([service(number) for number in range(3)])
    answer = await brought(api, content)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["format"], found["services"]["created"]) == ("hsds", 3), found
    path = tmp_path / "services.json"
    path.write_bytes(content)
    back = await read_back(api, path, found, as_(WHO))
    assert back.silent == {}
    assert (back.cells, back.stored) == (back.read, 49)
    again = (await brought(api, content)).json()
    assert again["services"] == {"created": 0, "updated": 0, "unchanged": 3}


@pytest.mark.parametrize(
    "name",
    [
        "service_full",
        "service_list",
        "service_at_location_full",
        "service_at_location_list",
        "tabular",
    ],
)
async def test_the_official_json_is_read_back_or_told(
    api: AsyncClient, database: Database, name: str
) -> None:
    path = reference_data("hsds/examples") / f"{name}.json"
    answer = await brought(api, path.read_bytes())
    assert answer.status_code == 201, answer.text
    found = answer.json()
    back = await read_back(api, path, found, as_(WHO))
    assert back.silent == {}
    assert found["services"]["created"] == found["rows"]["read"] >= 1


async def test_a_page_alone_says_nothing_about_the_others_unless_its_sender_does(
    api: AsyncClient, database: Database
) -> None:
    first, second = pages([service(number) for number in range(4)])
    assert (await brought(api, lines([first]), source="feed")).json()["services"]["created"] == 2
    after = await brought(api, lines([second]), source="feed")
    assert after.status_code == 201, after.text
    assert after.json()["rows"]["read"] == 2
    assert "vanished_some" not in {each["code"] for each in after.json()["notes"]}
    whole = await brought(api, lines([second]), source="feed", vanished="end")
    assert whole.json().get("code") == "package_shrunk", whole.text


async def test_files_of_json_in_a_zip_complete_each_other(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    short = {"id": ORG["id"], "name": ORG["name"]}
    files = {
        "feed/services/1.json": pages([service(1, organization=short)])[0],
        "feed/organizations.json": [{**ORG, "website": "https://puertas.example.org"}],
        "feed/services/2.json": pages([service(1, organization=short), service(2, organization=short, email="a@example.org")])[0],
        "feed/more.ndjson": {**service(2, organization=short), "wait_time": "Una hora"},
    }  # fmt: skip
    path = tmp_path / "feed.zip"
    with zipfile.ZipFile(path, "w") as package:
        for name, found in files.items():
            package.writestr(name, json.dumps(found))
    answer = (await brought(api, path.read_bytes())).json()
    assert answer["services"]["created"] == 2
    full = await api.get(f"{V1}/services", params={"full": "true"}, headers=as_(WHO))
    found = {each["name"]: each for each in full.json()["contents"]}
    assert found["Comedor 1"]["organization"]["website"] == "https://puertas.example.org"
    assert found["Comedor 2"]["wait_time"] == "Una hora"
    assert found["Comedor 2"]["email"] == "a@example.org"


async def test_two_copies_that_disagree_are_told(api: AsyncClient, database: Database) -> None:
    other = {**ORG, "description": "Otra cosa"}
    content = lines([service(1), service(2, organization=other)])
    fields = (await brought(api, content)).json()["fidelity"]["fields"]
    (said,) = (
        each for each in fields if (each["file"], each["field"]) == ("organization", "description")
    )
    assert (said["read"], said["left_out"]) == (2, 1)
    assert {each["code"] for each in said["reasons"]} == {"values_disagree"}


async def test_what_hsds_does_not_know_is_told_and_may_speak_of_a_house(
    api: AsyncClient, database: Database
) -> None:
    mine = service(1, reviews=[{"by": "x", "text": "casa segura para mujeres"}], secret={"a": 1})
    found = (await brought(api, lines([mine]), visibility="public")).json()
    told = {each["field"]: each for each in found["fidelity"]["fields"] if each["left_out"]}
    assert told.keys() == {"reviews", "secret"}
    (row,) = (await api.get(found["rows_url"], headers=as_(WHO))).json()["items"]
    assert "may_be_house" in {each["code"] for each in row["notes"]}


async def test_the_first_british_version_maps(api: AsyncClient, database: Database) -> None:
    first = {
        "id": "1", "name": "Lunch club", "description": "x", "status": "active",
        "organization": {"id": "o", "name": "Org", "description": "d", "url": "https://example.org"},
        "service_at_locations": [{"id": "sl", "location": {
            "id": "l", "name": "Hall", "latitude": 51.5, "longitude": -0.1,
            "physical_addresses": [{"id": "a", "address_1": "1 High St", "city": "C", "country": "GB",
                                    "postal_code": "AB1", "state_province": "S"}]},
            "regular_schedule": [{"id": "r", "weekday": "MO", "opens_at": "10:00", "closes_at": "12:00"}]}],
        "contacts": [{"id": "c", "name": "Ann", "phones": [{"id": "p", "number": "0100"}]}],
        "eligibilitys": [{"id": "e", "eligibility": "Adults"}],
        "service_taxonomys": [{"id": "st", "taxonomy": {"id": "es:1", "name": "Meals", "vocabulary": "esd"}}],
    }  # fmt: skip
    content = json.dumps({"totalElements": 1, "totalPages": 1, "number": 1, "content": [first]})
    assert (await brought(api, content.encode())).json()["services"]["created"] == 1
    full = await api.get(f"{V1}/services", params={"full": "true"}, headers=as_(WHO))
    (made,) = full.json()["contents"]
    assert made["eligibility_description"] == "Adults"
    assert [each["taxonomy_term"]["name"] for each in made["attributes"]] == ["Meals"]
    assert made["contacts"][0]["phones"][0]["number"] == "0100"
    (site,) = made["service_at_locations"]
    assert site["schedules"][0]["byday"] == "MO"
    assert site["location"]["addresses"][0]["address_1"] == "1 High St"


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (
            b'[{"id": "o", "name": "Org", "website": "https://example.org"}]',
            "headers_missing",
            "no services",
        ),
        (
            b'{"contents": [{"id": "1", "name": "x", "status": "active"}, 7]}',
            "unreadable_file",
            "Entry 2",
        ),
        (b'{"contents": [{"id": "1", "name": "x", "status":', "unreadable_file", "valid JSON"),
        (b'{"contents": [{"id": "1", "id": "2", "status": "active"}]}', "unreadable_file", "twice"),
        (b'{"id": "1", "name": ' + b"[" * 100_000, "unreadable_file", "deeper"),
    ],
)
async def test_json_that_holds_no_services_says_why(
    api: AsyncClient, database: Database, content: bytes, code: str, said: str
) -> None:
    answer = await brought(api, content)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == code
    assert said in answer.json()["detail"]
