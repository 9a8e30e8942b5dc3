"""The directory's app on a real database that is rolled back after each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from common.db.session import Database
from directory.app import create_app
from directory.followers_service import declare_followers
from directory.settings import Settings
from httpx import ASGITransport, AsyncClient, Response
from stack.embedded.postgres import ServiceDatabase

from tests.services.directory.pathways.scenario import load
from tests.support.apps import with_built_routes
from tests.support.databases import MigratedDatabases, common_settings, rolled_back
from tests.support.principals import bearer, organisation

AUDIENCE = "ruta-directory"
V1 = "/directory/v1"


@pytest.fixture(scope="session", autouse=True)
def followers() -> None:
    """Register the event handlers for tests without an app."""
    declare_followers()


@pytest.fixture(scope="session")
async def directory_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("directory", "directory")


@dataclass(frozen=True)
class Scenario:
    """A database with the fictional services of pathways/scenario.py, and their ids by name."""

    database: ServiceDatabase
    ids: dict[str, UUID]


@pytest.fixture(scope="session")
async def entered_scenario(databases: MigratedDatabases, followers: None) -> Scenario:
    """Enter the services once, because it takes half a second; each test rolls back only its own changes."""
    made = await databases.of("directory", "directory_of_scenario")
    database = Database.at(made.app_url)
    async with database.transaction() as session:
        ids = await load(session)
    await database.close()
    return Scenario(made, ids)


@pytest.fixture
def scenario(entered_scenario: Scenario) -> dict[str, UUID]:
    """Provide the fictional services; return their ids by name."""
    return dict(entered_scenario.ids)


@pytest.fixture
def begun_with(
    request: pytest.FixtureRequest, directory_database: ServiceDatabase
) -> ServiceDatabase:
    """Return an empty directory database, or one with the scenario's services if the test asks for it."""
    if "scenario" in request.fixturenames:
        entered: Scenario = request.getfixturevalue("entered_scenario")
        return entered.database
    return directory_database


@pytest.fixture
async def database(begun_with: ServiceDatabase) -> AsyncIterator[Database]:
    async with rolled_back(begun_with) as bound:
        yield bound


@pytest.fixture
async def api(
    database: Database, directory_database: ServiceDatabase, internal_jwks: Path
) -> AsyncIterator[AsyncClient]:
    given: dict[str, Any] = common_settings(directory_database, internal_jwks, "nats://127.0.0.1:1")
    app = with_built_routes(create_app(Settings(**given), database=database))
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://directory"
    ) as client:
        yield client


@pytest.fixture
def alone(api: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit one person's operation."""
    app = cast("Any", api)._transport.app
    monkeypatch.setattr(app.state.context.settings, "one_person_publishes", True)


def as_(client: str, **changes: Any) -> dict[str, str]:
    """Return the headers with which a demo client calls the directory."""
    return bearer(client, audience=AUDIENCE, **changes)


def reads_everything() -> dict[str, str]:
    """Return the headers of a coordinator of every area, who may read all records and their ids."""
    return as_("tip-coordinator", aors=["CP", "GBV", "TIP", "GP"])


def service_document(**changes: Any) -> dict[str, Any]:
    """Return a public health service of ngo-salud in Maracaibo; `changes` replaces fields."""
    return {
        "name": "Atención psicológica",
        "description": "Consultas para mujeres y niñas",
        "status": "active",
        "organization": {
            "id": str(organisation(2)),
            "name": "Salud para Todas",
            "description": "Organización de salud",
        },
        "categories": ["GBV-PSS"],
        "functional_status": {"code": "fully_functional"},
        "capacity_state": "accepting",
        "verification": {"verified_at": "2026-11-01", "valid_until": "2099-01-01"},
        "languages": [{"code": "spa", "name": "Español"}],
        "service_areas": [{"name": "Maracaibo", "extent": "VE2313", "extent_type": "pcode"}],
        "service_at_locations": [
            {
                "location": {
                    "name": "Centro de salud",
                    "location_type": "physical",
                    "latitude": 10.65,
                    "longitude": -71.62,
                    "pcode": "VE2313",
                    "addresses": [
                        {
                            "address_1": "Avenida 5 de Julio 12",
                            "city": "Maracaibo",
                            "state_province": "Zulia",
                            "postal_code": "4001",
                            "country": "VE",
                            "address_type": "physical",
                        }
                    ],
                }
            }
        ],
        "phones": [{"number": "+58 261 555 0101"}],
        **changes,
    }


Publish = Callable[..., Awaitable[str]]


@pytest.fixture
def publish(api: AsyncClient) -> Publish:
    """Return a function that enters a service as the GBV coordinator, which also approves it, and returns its id."""

    async def run(client: str = "gbv-coordinator", **changes: Any) -> str:
        answer = await api.post(
            f"{V1}/records/services", json=service_document(**changes), headers=as_(client)
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "approved"
        return str(answer.json()["id"])

    return run


async def ids_seen(api: AsyncClient, client: str, **params: Any) -> list[str]:
    answer: Response = await api.get(f"{V1}/services", params=params, headers=as_(client))
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["contents"]]
