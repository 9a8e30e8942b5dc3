"""Each cell of a package is stored, changed, reported or refused. The test proves it by reading the entries back."""

import asyncio
from pathlib import Path

import pytest
from common.db.session import Database
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_package import PLAIN, SERVICE, package
from tests.support.hsds_packages import VERSIONS, official_packages, write_package
from tests.support.read_back import ReadBack, read_back
from tests.support.reference import reference_data
from tests.support.strangers_package import write_strangers_package

WHO = "im-officer"


async def brought(api: AsyncClient, path: Path, **query: str) -> ReadBack:
    content = await asyncio.to_thread(path.read_bytes)
    params = {"mode": "skip-bad", **query}
    answer = await api.post(f"{V1}/imports", content=content, params=params, headers=as_(WHO))
    assert answer.status_code == 201, answer.text
    return await read_back(api, path, answer.json(), as_(WHO))


@pytest.mark.parametrize("visibility", ["public", "restricted"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_every_cell_of_every_version_is_read_back_or_told(
    api: AsyncClient, database: Database, tmp_path: Path, version: str, visibility: str
) -> None:
    path = write_package(tmp_path / "package.zip", version, 20)
    found = await brought(api, path, visibility=visibility)
    assert found.silent == {}
    assert (
        found.read == found.cells or version == "ohana"
    )  # In this version one cell has several values.


@pytest.mark.parametrize("name", ["official csv", "official tabular.json"])
async def test_the_official_examples_are_read_back_or_told(
    api: AsyncClient, database: Database, tmp_path: Path, name: str
) -> None:
    path = official_packages(reference_data("hsds/examples"), tmp_path)[name]
    found = await brought(api, path)
    assert found.silent == {}
    assert found.read == found.cells


async def test_each_row_of_eligibility_is_stored_or_told(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    tables = {
        **PLAIN,
        "eligibility.csv": [
            {"id": "1", "service_id": SERVICE, "eligibility": "Solo mujeres"},
            {"id": "2", "service_id": SERVICE, "eligibility": "Con cita"},
            {"id": "3", "service_id": "nobody", "eligibility": "Sin servicio"},
            {"id": "", "service_id": "", "eligibility": "Sin enlace"},
        ],
    }
    found = await brought(api, package(tmp_path, tables))
    assert found.silent == {}
    (done,) = (await api.get(f"{V1}/imports", headers=as_(WHO))).json()["items"]
    account = (await api.get(f"{V1}/imports/{done['id']}", headers=as_(WHO))).json()
    why = {
        each["code"]: each["count"]
        for column in account["fidelity"]["fields"]
        if column["field"] == "eligibility"
        for each in column["reasons"]
    }
    assert why == {"link_dangling": 1, "left_behind": 1}
    record = (await api.get(f"{V1}/services", params={"full": "true"}, headers=as_(WHO))).json()
    assert record["contents"][0]["eligibility_description"] == "Solo mujeres; Con cita"


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_a_sheet_counts_as_taken_in_what_is_stored_and_nothing_else(
    api: AsyncClient, database: Database, dry_run: str
) -> None:
    sheet = (
        "external_id,organisation,name,categories,visibility,pcode,address,latitude,longitude\n"
        "1,Org,Casa,GBV-SHELTER,public,VE2313,Calle 1,10.65,-71.61\n"
    )
    answer = await api.post(
        f"{V1}/imports", content=sheet.encode(), params={"dry_run": dry_run}, headers=as_(WHO)
    )
    fields = {each["field"]: each for each in answer.json()["fidelity"]["fields"]}
    for name, outcome in (
        ("name", "as_is"), ("visibility", "changed"), ("pcode", "changed"),
        ("address", "left_out"), ("latitude", "left_out"), ("longitude", "left_out"),
    ):  # fmt: skip
        assert fields[name][outcome] == 1, fields[name]
    assert {each["code"] for each in fields["address"]["reasons"]} == {"place_withheld"}


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6])
async def test_every_cell_of_a_strangers_package_is_read_back_or_told(
    api: AsyncClient, database: Database, tmp_path: Path, seed: int
) -> None:
    path = write_strangers_package(tmp_path / "package.zip", 70, seed)
    found = await brought(api, path)
    assert found.silent == {}
    assert found.stored > 900
