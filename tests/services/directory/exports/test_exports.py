"""Exports are complete and valid, contain no more than the caller may see, and can be imported again."""

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.files.imports import queries
from directory.files.imports.columns import columns
from directory.files.imports.schemas import Mode, import_out
from directory.files.imports.service import Order, take_in
from directory.ground.demo_data import demo_services
from directory.ground.reading.models import restricted_reads
from directory.record.records.models import services
from frictionless import Package, system
from httpx import AsyncClient, Response

from tests.services.directory.conftest import V1, Publish, as_
from tests.support.databases import MigratedDatabases, rolled_back
from tests.support.principals import principal

pytestmark = pytest.mark.slow

EXPORTS = f"{V1}/exports"
IMPORTS = f"{V1}/imports"
CLIENTS = ("anonymous", "health-cluster", "ngo-refugio", "gbv-coordinator", "im-officer")


async def bring_in(
    api: AsyncClient, content: bytes, client: str = "im-officer", **query: Any
) -> Any:
    answer = await api.post(IMPORTS, content=content, params=query, headers=as_(client))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def export(api: AsyncClient, client: str, kind: str, **query: Any) -> Response:
    answer = await api.get(EXPORTS, params={"format": kind, **query}, headers=as_(client))
    assert answer.status_code == 200, answer.text
    return answer


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.fixture
async def demo(api: AsyncClient) -> AsyncClient:
    await bring_in(api, demo_services(), source="demo")
    return api


async def test_each_caller_gets_what_it_sees_in_the_list(demo: AsyncClient) -> None:
    counts = []
    for client in CLIENTS:
        listed = await demo.get(f"{V1}/services", headers=as_(client), params={"per_page": 100})
        rows = lines((await export(demo, client, "csv")).content)
        shown = {item["id"] for item in listed.json()["contents"]}
        assert {row["Código externo"] for row in rows} == shown, client
        counts.append(len(rows))
    assert min(counts) == counts[0]
    assert len(set(counts)) == len(counts)


async def test_no_export_tells_more_about_a_shelter_than_its_level(
    api: AsyncClient, publish: Publish
) -> None:
    empty = {
        kind: (await export(api, "anonymous", kind)).content for kind in ("csv", "hxl", "geojson")
    }
    await publish(visibility="restricted", categories=["GBV-SHELTER"], phones=[],
                  service_at_locations=[], name="Casa Escondida")  # fmt: skip
    for kind, before in empty.items():
        assert (await export(api, "anonymous", kind)).content == before
    for kind in ("csv", "hxl", "geojson", "hsds"):
        for client in ("anonymous", "health-cluster", "ngo-legal"):
            content = (await export(api, client, kind)).content
            if kind == "hsds":
                content = b"".join(tables(content).values())
            assert b"Escondida" not in content


async def test_restricted_reads_by_export_are_logged(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    service_id = await publish(visibility="restricted", service_at_locations=[], phones=[])
    await export(api, "gbv-coordinator", "csv")
    async with database.transaction() as session:
        found = await session.execute(
            sa.select(restricted_reads.c.service_id, restricted_reads.c.client_id).where(
                restricted_reads.c.route == EXPORTS
            )
        )
        assert [(str(row.service_id), row.client_id) for row in found] == [
            (service_id, "gbv-coordinator")
        ]


def tables(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: package.read(name) for name in package.namelist()}


def frictionless_report(content: bytes, folder: Path) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        package.extractall(folder)
    with system.use_context(trusted=True):
        report = Package(str(folder / "datapackage.json")).validate()
    return [
        f"{task.name}: {error.title}: {error.message}"
        for task in report.tasks
        for error in task.errors
    ]


@pytest.mark.parametrize("client", ["anonymous", "im-officer", "gbv-coordinator"])
async def test_the_data_package_is_valid_with_no_foreign_key_error(
    demo: AsyncClient, tmp_path: Path, client: str
) -> None:
    content = (await export(demo, client, "hsds")).content
    assert frictionless_report(content, tmp_path) == []
    rows = {
        name: lines(each) for name, each in tables(content).items() if name != "datapackage.json"
    }
    assert len(rows) == 24
    assert len(rows["services.csv"]) > 20
    assert len(rows["organizations.csv"]) <= 20
    assert rows["attributes.csv"]
    assert rows["taxonomy_terms.csv"]


async def test_the_package_comes_back_the_same(demo: AsyncClient, database: Database) -> None:
    content = (await export(demo, "im-officer", "hsds")).content
    again = await bring_in(demo, content, mode="skip-bad")
    # The import recognises the IM officer's full copy as unchanged and refuses partial copies.
    report = await demo.get(
        f"{IMPORTS}/{again['id']}/rows", params={"limit": 500}, headers=as_("im-officer")
    )
    for row in report.json()["items"]:
        codes = {each["code"] for each in row["notes"]}
        assert row.get("outcome") == "unchanged" or "abridged_copy" in codes, row
    assert again["services"]["unchanged"] > 20
    assert again["services"]["created"] == 0


@pytest.fixture
async def elsewhere(databases: MigratedDatabases) -> AsyncIterator[Database]:
    async with rolled_back(await databases.of("directory", "elsewhere")) as bound:
        yield bound


@pytest.mark.parametrize("all_records", [True, False])
async def test_another_installation_takes_the_package_in(
    demo: AsyncClient, elsewhere: Database, *, all_records: bool
) -> None:
    """An importer who reads all records keeps the publisher's ids. For others, a free id and a hidden one look alike."""
    content = (await export(demo, "health-cluster", "hsds")).content
    aors = ["CP", "GBV", "TIP", "GP"]
    who = principal("tip-coordinator", aors=aors) if all_records else principal("im-officer")
    order = Order("demo.zip", content, None, Mode.ALL, False, None, "", "other")
    async with elsewhere.transaction(who) as session:
        import_id = await take_in(session, who, order)
        found = import_out(await queries.import_of(session, who, import_id))
        documents = (await session.scalars(sa.select(services.c.document))).all()
    assert found.rows.refused == 0
    assert found.services.created == len(documents) > 40
    assert any(each.get("referral", {}).get("response_delay") == "72h" for each in documents)
    assert any(each.get("visibility") == "partners" for each in documents)
    given = {row["id"] for row in lines(tables(content)["services.csv"])}
    kept = given & {each["id"] for each in documents}
    assert kept == (given if all_records else set())


async def test_filters_narrow_the_export(demo: AsyncClient) -> None:
    zulia = lines((await export(demo, "im-officer", "csv", area="VE23")).content)
    assert zulia
    assert {row["Estado (división)"] for row in zulia} <= {"Zulia"}
    legal = lines(
        (await export(demo, "im-officer", "csv", category=["GP-DOC", "GBV-LEGAL"])).content
    )
    assert legal
    assert all({"GP-DOC", "GBV-LEGAL"} & set(row["Categorías"].split("; ")) for row in legal)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [({"area": "VE99"}, "/area"), ({"category": "X"}, "/category"), ({"format": "pdf"}, None)],
)
async def test_unknown_parameters_are_refused(
    api: AsyncClient, query: dict[str, str], pointer: str | None
) -> None:
    answer = await api.get(EXPORTS, params=query, headers=as_("im-officer"))
    assert answer.status_code == 422
    if pointer:
        assert answer.json()["pointer"] == pointer


async def test_cells_that_a_spreadsheet_might_run_are_guarded(
    api: AsyncClient, publish: Publish
) -> None:
    evil = '=HYPERLINK("http://evil.example";"x")'
    await publish(name=evil, description="+cmd|' /C calc'!A0", alert="@SUM(1)")
    for kind in ("csv", "hxl"):
        for row in csv.reader(io.StringIO((await export(api, "im-officer", kind)).text)):
            assert not any(cell.startswith(("=", "@", "+cmd")) for cell in row)
    services_csv = tables((await export(api, "im-officer", "hsds")).content)["services.csv"]
    assert lines(services_csv)[0]["name"] == f"'{evil}"
    book = openpyxl.load_workbook(io.BytesIO((await export(api, "im-officer", "xlsx")).content))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert evil in [cell.value for cell in cells]


async def test_geojson_is_geojson_with_points_where_they_may_be_seen(demo: AsyncClient) -> None:
    found = json.loads((await export(demo, "gbv-coordinator", "geojson")).content)
    assert found["type"] == "FeatureCollection"
    for each in found["features"]:
        if each["properties"]["visibility"] == "restricted":
            assert each["geometry"] is None
            assert "address" not in each["properties"]
    assert any(each["geometry"] for each in found["features"])


@pytest.mark.parametrize("language", ["es", "en"])
async def test_headers_and_labels_speak_the_language(demo: AsyncClient, language: str) -> None:
    answer = await export(demo, "im-officer", "csv", language=language, labels=True)
    first = next(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert first == [column.header(language) for column in columns()]
    label = {"es": "Gestión de casos de VBG", "en": "GBV case management"}[language]
    assert label in answer.text
