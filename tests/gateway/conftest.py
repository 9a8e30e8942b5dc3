"""The issuer on a rolled-back database, and a whole gateway of real processes on free ports."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from common.db.session import Database
from fastapi import FastAPI
from gateway.issuer import bootstrap
from gateway.issuer.app import create_app
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from httpx import ASGITransport, AsyncClient
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.gateway.whole_gateway import Gateway, running_gateway
from tests.support.apps import with_built_routes
from tests.support.databases import MigratedDatabases, common_settings, rolled_back
from tests.support.principals import CLIENTS, bearer, claims_of

ISSUER = "https://ruta.example"


@pytest.fixture(scope="session")
async def issuer_database(databases: MigratedDatabases) -> ServiceDatabase:
    """Create a migrated database with the demo clients, once, because hashing their secrets is slow."""
    made = await databases.of("gateway.issuer", "issuer")
    database = Database.at(made.app_url)
    await bootstrap.load(database, SecretChecks(), demo_clients())
    await bootstrap.ensure_console(database, "ruta-console", f"{ISSUER}/session/callback")
    await database.close()
    return made


def demo_clients() -> list[bootstrap.BootstrapClient]:
    """Return the demo clients, each with the secret `secret of <client>`."""
    made = []
    for client in CLIENTS:
        claims = claims_of(client)
        made.append(
            bootstrap.BootstrapClient.model_validate(
                {
                    "client_id": client,
                    "secret": secret_of(client),
                    "organisation_id": claims["org"],
                    "organisation_name": f"Organisation of {client}",
                    "roles": claims["roles"],
                    "scopes": str(claims["scope"]).split(),
                    "aors": claims["aors"],
                    "areas": [],
                }
            )
        )
    return made


def secret_of(client: str) -> str:
    return f"the secret of {client}"


@pytest.fixture
async def issuer_db(issuer_database: ServiceDatabase) -> AsyncIterator[Database]:
    async with rolled_back(issuer_database) as database:
        yield database


@pytest.fixture
def issuer_settings(
    issuer_database: ServiceDatabase, internal_jwks: Path, tmp_path: Path
) -> IssuerSettings:
    return IssuerSettings.model_validate(
        {
            **common_settings(issuer_database, internal_jwks, "nats://127.0.0.1:1"),
            "token_issuer_url": ISSUER,
            "public_url": ISSUER,
            "signing_keys_dir": tmp_path / "signing",
        }
    )


@pytest.fixture
def issuer_app(issuer_settings: IssuerSettings, issuer_db: Database) -> FastAPI:
    return with_built_routes(create_app(issuer_settings, database=issuer_db))


@pytest.fixture
async def issuer(issuer_app: FastAPI) -> AsyncIterator[AsyncClient]:
    """Yield a client that reaches the issuer through the front as an anonymous caller."""
    headers = bearer("anonymous", audience="ruta-issuer") | {"Ruta-Source": "here"}
    async with AsyncClient(
        transport=ASGITransport(issuer_app), base_url=ISSUER, headers=headers
    ) as client:
        yield client


@pytest.fixture(scope="package")
def gateway(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """Start the front, the issuer and the witnesses as processes."""
    folder = tmp_path_factory.mktemp("gateway")
    with running_gateway(postgres, folder, database="issuer_of_gateway") as running:
        yield running
