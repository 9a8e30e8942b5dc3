"""The import accounts for every value, so nothing in a package disappears without a note."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.db.session import Database
from directory.files.imports.outcomes.fidelity import Fate, Fidelity, Outcome, RowFates
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_package import PLAIN, SERVICE, package

IMPORTS = f"{V1}/imports"


def test_a_shared_row_is_counted_once_and_many_fields_are_gathered() -> None:
    fidelity = Fidelity()
    fidelity.take(RowFates(row, {"x": Fate("a.csv", "x")}) for row in (1, 1, 9))
    assert fidelity.values == {"read": 2, "as_is": 2, "changed": 0, "left_out": 0}
    for at in range(1_500):
        fidelity.count(Fate("b.csv", f"column {at}", Outcome.LEFT_OUT, "field_unknown"))
    assert fidelity.values["left_out"] == 1_500
    assert len(fidelity.plain()["fields"]) == 1_001


async def bring(api: AsyncClient, content: bytes, **query: Any) -> dict[str, Any]:
    answer = await api.post(IMPORTS, content=content, params=query, headers=as_("im-officer"))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def field(found: Mapping[str, Any], name: str, file: str = "") -> dict[str, Any]:
    fields: Sequence[dict[str, Any]] = found["fidelity"]["fields"]
    return next(each for each in fields if (each["file"], each["field"]) == (file, name))


async def test_an_import_says_of_each_field_what_became_of_it(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    tables = {
        **PLAIN,
        "services.csv": [
            {**PLAIN["services.csv"][0], "colour": "red", "url": "www.example.org", "assured_date": "soon"}
        ],
        "phones.csv": [{"id": "p", "service_id": "nobody", "number": "1"}],
        "weather.csv": [{"rain": "yes"}],
        "locations.csv": [*PLAIN["locations.csv"], {"id": "alone", "name": "Nadie atiende aquí"}],
    }  # fmt: skip
    found = await bring(api, package(tmp_path, tables).read_bytes())
    values = found["fidelity"]["values"]
    assert values["read"] == sum(values[each.value] for each in Outcome)
    assert values["read"] == sum(
        1 for rows in tables.values() for row in rows for cell in row.values() if cell
    )
    assert field(found, "name", "services.csv")["as_is"] == 1
    for name, file, outcome, reason in (
        ("colour", "services.csv", "left_out", "field_unknown"),
        ("url", "services.csv", "changed", "url_completed"),
        ("assured_date", "services.csv", "left_out", "date_unreadable"),
        ("number", "phones.csv", "left_out", "link_dangling"),
        ("rain", "weather.csv", "left_out", "table_skipped"),
        ("name", "locations.csv", "left_out", "left_behind"),
        ("id", "service_at_location.csv", "changed", "ids_replaced"),
    ):
        told = field(found, name, file)
        assert told[outcome] == 1, told
        (why,) = told["reasons"]
        assert (why["code"], why["outcome"]) == (reason, outcome)
        assert f"{file} {name}" in why["es"] or reason in ("link_dangling", "table_skipped")
        assert why["es"] != why["en"]
    listed = (await api.get(IMPORTS, headers=as_("im-officer"))).json()["items"][0]
    assert listed["fidelity"] == {"values": values}
    read = (await api.get(f"{IMPORTS}/{found['id']}", headers=as_("im-officer"))).json()
    assert read["fidelity"] == found["fidelity"]


async def test_a_sheet_says_it_too(api: AsyncClient, database: Database) -> None:
    text = (
        "external_id,organisation,name,categories,visibility,pcode,website,shoe size\n"
        "1,Org,Uno,HLT,public,VE2313,www.example.org,41\n2,Org,Dos,NONE,public,VE2313,,\n"
    )
    found = await bring(api, text.encode(), mode="skip-bad")
    assert found["fidelity"]["values"] == {"read": 14, "as_is": 6, "changed": 1, "left_out": 7}
    assert field(found, "website")["reasons"][0]["code"] == "url_completed"
    assert field(found, "shoe size")["reasons"][0]["code"] == "column_unknown"
    assert field(found, "name")["reasons"][0]["code"] == "row_refused"


async def test_a_refused_service_is_not_counted_as_taken_in(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    tables = {
        **PLAIN,
        "services.csv": [
            PLAIN["services.csv"][0],
            {"id": "2", "organization_id": "nobody", "name": "Sola", "status": "active"},
        ],
        "phones.csv": [
            {"id": "p", "service_id": "2", "number": "1"},
            {"id": "q", "service_id": SERVICE, "number": "1"},
        ],
    }
    found = await bring(api, package(tmp_path, tables).read_bytes(), mode="skip-bad")
    assert field(found, "name", "services.csv")["left_out"] == 1
    told = field(found, "number", "phones.csv")
    assert (told["as_is"], told["left_out"]) == (1, 1)
    assert told["reasons"][0]["code"] == "left_behind"
