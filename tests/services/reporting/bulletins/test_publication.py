"""Publication by the worker, on its own database with real commits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from httpx import ASGITransport, AsyncClient
from reporting.app import create_app
from reporting.publish.bulletins import publication
from reporting.publish.bulletins.models import bulletin_files
from reporting.publish.bulletins.publication import one
from reporting.publish.bulletins.service import STEPS
from reporting.settings import Settings
from stack.embedded.postgres import ServiceDatabase

from tests.services.reporting.activities.rows import body
from tests.services.reporting.bulletins.test_bulletins_api import as_, drafted, step
from tests.support.apps import with_built_routes
from tests.support.databases import MigratedDatabases

PATH = "/reports/v1/bulletins"


@pytest.fixture(scope="module")
async def own_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("reporting", "reporting_publications")


@pytest.fixture
async def database(
    own_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    at_once = replace(publication.PUBLICATIONS, pause=timedelta(0))
    monkeypatch.setattr(publication, "PUBLICATIONS", at_once)
    opened = Database.at(own_database.app_url)
    yield opened
    await opened.close()


@pytest.fixture
async def api(database: Database, settings: Settings) -> AsyncIterator[AsyncClient]:
    app = with_built_routes(create_app(settings, database=database))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://reporting") as client:
        yield client


async def signed(api: AsyncClient, period: str) -> dict[str, Any]:
    bulletin = await drafted(api, period)
    done = await step(api, bulletin, "sign-off", "tip-coordinator")
    assert done.status_code == 200, done.text
    return bulletin


async def read(api: AsyncClient, bulletin: dict[str, Any], part: str = "/publication") -> Any:
    answer = await api.get(f"{PATH}/{bulletin['id']}{part}", headers=as_("im-officer"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def files_of(database: Database, bulletin: dict[str, Any]) -> int:
    async with database.transaction() as session:
        count = sa.select(sa.func.count()).select_from(bulletin_files)
        return await session.scalar(count.filter_by(bulletin_id=bulletin["id"])) or 0


async def test_it_is_answered_at_once_and_tells_how_far_it_has_come(
    api: AsyncClient, database: Database
) -> None:
    bulletin = await drafted(api, "2026-10a")
    path = f"{PATH}/{bulletin['id']}/publication"
    early = await step(api, bulletin, "publication", "im-officer")
    assert (early.status_code, early.json()["code"]) == (409, "bulletin_state")
    assert (await api.get(path, headers=as_("im-officer"))).status_code == 404, "nobody asked"
    await step(api, bulletin, "sign-off", "tip-coordinator")
    asked = await step(api, bulletin, "publication", "im-officer")
    assert (asked.status_code, asked.headers["location"]) == (202, path)
    assert (asked.json()["state"], asked.json()["done"]) == ("at_work", 0)
    assert (await step(api, bulletin, "publication", "tip-coordinator")).status_code == 403
    assert (await api.get(path, headers=as_("ngo-refugio"))).status_code == 403

    seen: set[int] = set()
    working = asyncio.create_task(one(database, alone=False))
    while not working.done():
        again = await step(api, bulletin, "publication", "im-officer")
        if again.status_code == 202:  # The bulletin's row is locked, but nobody waits.
            seen.add(again.json()["done"])
    assert await working
    assert seen <= set(range(STEPS + 1))
    assert len(seen) >= 3, "it moves while somebody looks"
    assert (await read(api, bulletin))["state"] == "published"
    public = await read(api, bulletin, "")
    assert public["state"] == "published"
    assert await files_of(database, bulletin) == len(public["files"])
    assert not await one(database, alone=False), "nothing is left to do"


async def test_what_is_refused_says_why_leaves_nothing_and_ends_with_a_new_draft(
    api: AsyncClient, database: Database
) -> None:
    bulletin = await signed(api, "2026-09a")
    late = body(9, report_month="2026-09", start="2026-09-12", end=None)
    made = await api.post("/reports/v1/activities", json=late, headers=as_("ngo-salud"))
    assert made.status_code == 201, made.text
    await step(api, bulletin, "publication", "im-officer")
    assert await one(database, alone=False)
    refused = await read(api, bulletin)
    assert (refused["state"], refused["problem"]["code"]) == ("refused", "untraceable_number")
    assert (await read(api, bulletin, ""))["state"] == "signed_off"
    assert await files_of(database, bulletin) == 0
    again = await step(api, bulletin, "publication", "im-officer")
    assert (again.status_code, again.json()["state"]) == (202, "at_work"), "it may be asked again"
    await drafted(api, "2026-09a")
    path = f"{PATH}/{bulletin['id']}/publication"
    assert (await api.get(path, headers=as_("im-officer"))).status_code == 404
    assert not await one(database, alone=False), "a new draft is published by nobody's old wish"
