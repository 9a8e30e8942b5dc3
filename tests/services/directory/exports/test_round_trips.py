"""Exported entries survive a new import unchanged in every format, also for services that share places."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.files.imports.columns import by_tag
from directory.files.imports.worker import work_one
from directory.record.records.models import services
from httpx import AsyncClient

from tests.services.directory.conftest import V1, reads_everything
from tests.services.directory.exports.shared_sites import PLACES, SERVICES, shared_sites
from tests.services.directory.exports.test_exports import (
    EXPORTS,
    IMPORTS,
    frictionless_report,
    lines,
    tables,
)

pytestmark = pytest.mark.slow

FORMATS = ["hsds", "xlsx", "csv", "hxl", "geojson"]


@pytest.fixture
async def shared(api: AsyncClient) -> AsyncClient:
    for document in shared_sites():
        answer = await api.post(f"{V1}/records/services", json=document, headers=reads_everything())
        assert answer.status_code == 201, answer.text
    return api


async def exported(api: AsyncClient, kind: str, **query: Any) -> bytes:
    answer = await api.get(EXPORTS, params={"format": kind, **query}, headers=reads_everything())
    assert answer.status_code == 200, answer.text
    return answer.content


async def brought_back(
    api: AsyncClient, database: Database, content: bytes, **query: Any
) -> dict[str, Any]:
    answer = await api.post(IMPORTS, content=content, params=query, headers=reads_everything())
    assert answer.status_code in (201, 202, 422), answer.text
    own = answer.headers["Location"]
    while await work_one(database):
        pass
    found: dict[str, Any] = (await api.get(own, headers=reads_everything())).json()
    rows = await api.get(f"{own}/rows", params={"limit": 500}, headers=reads_everything())
    found["all"] = rows.json()["items"]
    return found


async def stored(database: Database) -> dict[str, Any]:
    async with database.transaction() as session:
        found = await session.execute(sa.select(services.c.id, services.c.document))
        return {str(row.id): row.document for row in found}


async def test_children_of_shared_places_and_organisations_are_written_once(
    shared: AsyncClient, tmp_path: Path
) -> None:
    content = await exported(shared, "hsds")
    assert frictionless_report(content, tmp_path) == []
    found = {name: lines(each) for name, each in tables(content).items() if name.endswith(".csv")}
    for name, rows in found.items():
        assert len({row["id"] for row in rows}) == len(rows), name
    assert len(found["locations.csv"]) == PLACES
    assert len(found["accessibility.csv"]) == PLACES
    assert len(found["services.csv"]) == SERVICES


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("kind", FORMATS)
async def test_an_own_export_changes_nothing(
    shared: AsyncClient, database: Database, kind: str, *, labels: bool
) -> None:
    before = await stored(database)
    content = await exported(shared, kind, labels=labels)
    for dry_run in (True, False):
        found = await brought_back(shared, database, content, dry_run=dry_run)
        assert found["rows"]["refused"] == 0, found["all"][0]
        assert found["services"] == {"created": 0, "updated": 0, "unchanged": SERVICES}
    assert await stored(database) == before


@pytest.mark.parametrize("kind", ["csv", "geojson"])
async def test_a_changed_cell_changes_that_and_nothing_else(
    shared: AsyncClient, database: Database, kind: str
) -> None:
    before = await stored(database)
    content = (await exported(shared, kind)).decode("utf-8-sig").replace("Gratis", "Diez bolívares")
    found = await brought_back(shared, database, content.encode())
    assert found["services"]["updated"] == SERVICES, found["all"][0]
    for key, document in (await stored(database)).items():
        assert document == {**before[key], "fees_description": "Diez bolívares"}


async def test_a_sheet_with_few_columns_changes_only_those(
    shared: AsyncClient, database: Database
) -> None:
    before = await stored(database)
    rows = lines(await exported(shared, "csv", language="en"))
    few = ["External id", "Organisation", "Service name", "Categories", "Phone"]
    text = ",".join(few) + "\n"
    text += "".join(
        f'"{row[few[0]]}","{row[few[1]]}","{row[few[2]]}","{row[few[3]]}",\n' for row in rows
    )
    found = await brought_back(shared, database, text.encode())
    assert found["services"]["updated"] == SERVICES, found["all"][0]
    for key, document in (await stored(database)).items():
        rest = {name: value for name, value in before[key].items() if name != "phones"}
        assert document == rest


async def test_the_hxl_list_holds_to_the_standard(shared: AsyncClient) -> None:
    import hxl  # type: ignore[import-untyped]  # ships no type information; heavy, and only here

    text = (await exported(shared, "hxl")).decode("utf-8-sig")
    found: list[str] = []
    schema = hxl.schema(None, callback=lambda error: found.append(error.message))
    source = hxl.data(list(csv.reader(io.StringIO(text))))
    assert schema.validate(source), found
    assert found == []


async def test_tags_are_the_same_in_both_languages_and_no_header_holds_a_star(
    shared: AsyncClient,
) -> None:
    tags = set()
    for language in ("es", "en"):
        text = (await exported(shared, "hxl", language=language)).decode("utf-8-sig")
        head = text.splitlines()[:2]
        assert "*" not in "".join(head)
        tags.add(head[1])
    assert len(tags) == 1


def test_a_tag_of_earlier_exports_is_still_read() -> None:
    column = by_tag("#date+hours")
    assert column is not None
    assert column.key == "hours"
