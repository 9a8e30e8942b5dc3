"""A package's organisations are imported even without services, and they change with their publisher's file."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from common.db.session import Database
from directory.record.organizations.models import organizations
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_package import ORG, PLAIN, package

ALONE = "0190b000-0000-7000-8000-0000000000aa"
IMPORTS = f"{V1}/imports"


def tables(**changes: str) -> dict[str, list[dict[str, str]]]:
    alone = {"id": ALONE, "name": "Red sin servicios", "description": "Coordina", **changes}
    return {**PLAIN, "organizations.csv": [{**PLAIN["organizations.csv"][0], **changes}, alone]}


async def bring(
    api: AsyncClient, folder: Path, found: Any, client: str = "im-officer", **query: Any
) -> Any:
    content = package(folder, found).read_bytes()
    return await api.post(IMPORTS, content=content, params=query, headers=as_(client))


async def stored(database: Database) -> dict[str, dict[str, Any]]:
    async with database.transaction() as session:
        rows = await session.execute(sa.select(organizations.c.id, organizations.c.document))
        return {str(row.id): row.document for row in rows}


async def test_an_organisation_without_services_comes_in_and_changes(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    tried = (await bring(api, tmp_path, tables(), dry_run=True)).json()
    assert "2 new and 0 changed" in str(tried["notes"])
    assert ALONE not in await stored(database)
    await bring(api, tmp_path, tables())
    first = (await stored(database))[ALONE]
    assert (first["name"], first["visibility"]) == ("Red sin servicios", "partners")
    again = (await bring(api, tmp_path, tables())).json()
    assert "organisations_read" not in {each["code"] for each in again["notes"]}
    changed = (await bring(api, tmp_path, tables(email="nueva@example.org"))).json()
    assert "0 new and 2 changed" in str(changed["notes"])
    found = await stored(database)
    assert found[ALONE] == {**first, "email": "nueva@example.org"}
    assert found[ORG]["email"] == "nueva@example.org"


async def test_what_the_file_does_not_say_of_an_organisation_stays(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    await bring(api, tmp_path, tables(email="una@example.org"))
    await bring(api, tmp_path, tables())
    assert (await stored(database))[ALONE]["email"] == "una@example.org"


async def test_another_publishers_organisation_stays_as_it_is(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    await bring(api, tmp_path, tables())
    before = await stored(database)
    answer = await bring(
        api, tmp_path, tables(email="otra@example.org"), "ngo-refugio", mode="skip-bad"
    )
    assert "organisations_left" in {each["code"] for each in answer.json()["notes"]}
    assert await stored(database) == before
