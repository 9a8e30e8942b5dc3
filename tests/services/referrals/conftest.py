"""The app on real databases: a connection per test that is rolled back, and one key store for the whole run."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from common.crypto import key_from_base64
from common.db.session import Database
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from referrals.app import create_app
from referrals.ground.keys.store import CaseKeys, create_tables
from referrals.listening.line.gate import ReceiptGate
from referrals.listening.line.receipts import Cost, Receipts
from referrals.settings import Settings
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.services.referrals.story import Story
from tests.support.apps import with_built_routes
from tests.support.databases import MigratedDatabases, common_settings, random_key, rolled_back

QUICK = Cost(memory_kib=64, passes=1)
"""Opening receipts is slow on purpose; test_line_reporter.py measures the real cost once."""
NO_BROKER = "nats://127.0.0.1:1"


@pytest.fixture(scope="session")
async def referrals_database(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("referrals", "referrals")


@pytest.fixture(scope="session")
async def key_store(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ServiceDatabase, Path]:
    database = postgres.create_service_database("referral_keys")
    await create_tables(database.owner_url, database.app_role)
    ring = tmp_path_factory.mktemp("kek") / "kek.json"
    await asyncio.to_thread(
        ring.write_text, json.dumps({"active": "k1", "keys": {"k1": random_key()}})
    )
    return database, ring


@pytest.fixture(scope="session")
async def case_keys(key_store: tuple[ServiceDatabase, Path]) -> AsyncIterator[CaseKeys]:
    database, ring = key_store
    keys = CaseKeys(Database.at(database.app_url, pool_size=4), ring)
    yield keys
    await keys.close()


@pytest.fixture(scope="session")
def settings(
    referrals_database: ServiceDatabase,
    key_store: tuple[ServiceDatabase, Path],
    internal_jwks: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    store, ring = key_store
    return Settings(
        **cast("dict[str, Any]", common_settings(referrals_database, internal_jwks, NO_BROKER)),
        key_store_url=SecretStr(store.app_url),
        key_store_owner_url=SecretStr(store.owner_url),
        key_encryption_keys_file=ring,
        blind_index_key=SecretStr(random_key()),
        audit_anchor_file=tmp_path_factory.mktemp("anchors") / "referrals.jsonl",
        webhook_private_networks="127.0.0.0/8",
    )


@pytest.fixture
async def database(referrals_database: ServiceDatabase) -> AsyncIterator[Database]:
    async with rolled_back(referrals_database) as bound:
        yield bound


@pytest.fixture
def app(settings: Settings, database: Database, case_keys: CaseKeys) -> FastAPI:
    index_key = key_from_base64(settings.blind_index_key.get_secret_value())
    quick = ReceiptGate(Receipts(index_key, QUICK))
    app = create_app(settings, database=database, keys=case_keys, receipts=quick)
    return with_built_routes(app)


@pytest.fixture
async def story(app: FastAPI, database: Database) -> AsyncIterator[Story]:
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://ruta"
    ) as client:
        yield Story(client, database)
