"""Webhooks of the directory to a real local receiver. The tests use real commits, because positions are transactions."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common import clock
from common.crypto import key_from_base64
from common.webhooks.addresses import networks
from common.webhooks.client import client
from common.webhooks.retries import PAUSES
from directory import operations
from directory.app import create_app
from directory.find.webhooks.schemas import DirectoryChanged
from directory.find.webhooks.worker import call_due
from directory.settings import Settings
from directory.tables import ENDED_RIGHTS
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from stack.embedded.postgres import PostgresServer
from standardwebhooks.webhooks import Webhook as Verifier

from tests.services.directory.conftest import V1, as_, service_document
from tests.services.directory.test_sync import confidential
from tests.support.databases import MigratedDatabases, common_settings
from tests.support.receiver import Receiver, listening

PATH = f"{V1}/webhooks"
LOOPBACK = networks("127.0.0.0/8")
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
async def app(
    databases: MigratedDatabases, postgres: PostgresServer, internal_jwks: Path
) -> AsyncIterator[FastAPI]:
    name = "directory_webhooks"
    given: dict[str, Any] = common_settings(
        await databases.of("directory", name), internal_jwks, "nats://127.0.0.1:1"
    )
    postgres.psql(
        "TRUNCATE services, organizations, locations, service_documents, site_documents, ended_rights,"
        " organization_documents, service_changes, service_translations, webhooks CASCADE",
        database=name,
    )
    made = create_app(Settings(**given, webhook_private_networks="127.0.0.0/8"))
    yield made
    await made.state.context.database.close()


@pytest.fixture
async def live(app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://directory") as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening(Receiver()) as made:
        yield made


async def added(live: AsyncClient, url: str, who: str = "health-cluster") -> dict[str, Any]:
    headers = as_(who) | {"Idempotency-Key": url}
    made = await live.post(PATH, json={"url": url}, headers=headers)
    assert made.status_code == 201, made.text
    hook: dict[str, Any] = made.json()
    return hook


async def called(app: FastAPI) -> int:
    context = app.state.context
    key = key_from_base64(context.settings.stored_result_key.get_secret_value())
    async with client(LOOPBACK) as http:
        return await call_due(context.database, http, key, LOOPBACK)


async def listed(live: AsyncClient, who: str = "health-cluster") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await live.get(PATH, headers=as_(who))).json()
    return found


async def enter(live: AsyncClient, **changes: Any) -> str:
    made = await live.post(
        f"{V1}/records/services",
        json=service_document(**changes),
        headers=as_("gbv-coordinator"),
    )
    assert made.json().get("state") == "approved", made.text
    return str(made.json()["id"])


async def test_a_call_is_signed_names_no_entry_and_leads_to_the_changes(
    app: FastAPI, live: AsyncClient, receiver: Receiver
) -> None:
    cursor = (await live.get(f"{V1}/sync/snapshot", headers=as_("health-cluster"))).text
    hook = await added(live, receiver.url)
    assert await called(app) == 1, "the first call tests the address"
    assert await called(app) == 0
    own = await enter(live, visibility="partners")
    with clock.shifted(A_MINUTE):
        assert await called(app) == 1
    with clock.shifted(A_MINUTE * 2):
        assert await called(app) == 0, "nothing has changed since"
    headers, body = receiver.calls[-1]
    told = DirectoryChanged.model_validate(Verifier(hook["secret"]).verify(body, headers))
    for secret in (own, "Atención", "VE23", "GBV"):
        assert secret.encode() not in body
    position = cursor.splitlines()[0].split('"cursor":"')[1].split('"')[0]
    changes = await live.get(
        told.data["changes"], params={"cursor": position}, headers=as_("health-cluster")
    )
    assert [each["id"] for each in changes.json()["items"]] == [own]
    assert (await listed(live))[0]["answer_status"] == 204
    assert "secret" not in (await listed(live))[0]


async def test_a_change_of_a_hidden_entry_calls_nobody(
    app: FastAPI, live: AsyncClient, receiver: Receiver
) -> None:
    """The time of a call would otherwise reveal that a shelter was entered, changed or closed. Only the organisations
    that offer or manage it are called."""
    for who in ("health-cluster", "tip-coordinator"):
        await added(live, f"{receiver.url}?{who}", who)
    assert await called(app) == 2
    for level, changes in (("pathway", {"visibility": "pathway"}), ("restricted", confidential())):
        own = await enter(live, **changes)
        with clock.shifted(A_MINUTE):
            assert await called(app) == 0, level
        withdraw = f"{V1}/records/services/{own}/withdraw"
        assert (await live.post(withdraw, headers=as_("gbv-coordinator"))).status_code == 200
        with clock.shifted(A_MINUTE):
            assert await called(app) == 0, level
    await added(live, receiver.url, "ngo-salud")
    assert await called(app) == 1
    await enter(live, **confidential())
    with clock.shifted(A_MINUTE):
        assert await called(app) == 1


async def test_failed_calls_are_repeated_for_days_and_then_end_until_somebody_enables_it(
    app: FastAPI, live: AsyncClient, receiver: Receiver
) -> None:
    hook = await added(live, receiver.url)
    receiver.status, later = 500, timedelta(0)
    for pause in (0, *PAUSES):
        later += timedelta(seconds=pause * 1.2 + 1)
        with clock.shifted(later):
            assert await called(app) == 1
    with clock.shifted(later + timedelta(days=30)):
        assert await called(app) == 0
    (seen,) = await listed(live)
    assert (seen["active"], seen["disabled_reason"]) == (False, "not_answered")
    assert (seen["attempts"], seen["failure"]) == (len(PAUSES) + 1, "refused")
    enable = f"{PATH}/{hook['id']}/enable"
    assert (await live.post(enable, headers=as_("ngo-salud"))).status_code == 404
    assert (await live.post(enable, headers=as_("health-cluster"))).json()["active"]
    receiver.status = 410
    assert await called(app) == 1
    assert (await listed(live))[0]["disabled_reason"] == "answered_gone"


async def test_after_rotation_both_secrets_verify_for_a_day(
    app: FastAPI, live: AsyncClient, receiver: Receiver
) -> None:
    hook = await added(live, receiver.url)
    path = f"{PATH}/{hook['id']}/rotate-secret"
    renewed = (await live.post(path, headers=as_("health-cluster"))).json()
    await called(app)
    headers, body = receiver.calls[0]
    for secret in (hook["secret"], renewed["secret"]):
        Verifier(secret).verify(body, headers)
    await live.post(f"{PATH}/{hook['id']}/enable", headers=as_("health-cluster"))
    with clock.shifted(timedelta(hours=25)):
        await called(app)
    assert len(receiver.calls[-1][0]["webhook-signature"].split()) == 1


async def test_addresses_that_only_we_reach_are_refused_and_not_called(
    app: FastAPI, live: AsyncClient, receiver: Receiver
) -> None:
    for url in ("https://10.0.0.1/x", "http://example.org/x", "https://u@example.org/"):
        headers = as_("health-cluster") | {"Idempotency-Key": url}
        refused = await live.post(PATH, json={"url": url}, headers=headers)
        assert (refused.status_code, refused.json().get("code")) == (422, "unsafe_address"), url
    await added(live, receiver.url)
    context = app.state.context
    key = key_from_base64(context.settings.stored_result_key.get_secret_value())
    async with client(()) as http:  # as in production
        assert await call_due(context.database, http, key, ()) == 1
    assert receiver.calls == []
    assert (await listed(live))[0]["failure"] == "unsafe_address"


async def test_a_suspended_owner_or_organisation_is_not_called(
    app: FastAPI, live: AsyncClient, receiver: Receiver
) -> None:
    await added(live, receiver.url)
    database = app.state.context.database
    row = {"kind": "client", "suspended": True}
    async with database.transaction() as session:
        await session.execute(sa.insert(ENDED_RIGHTS).values(target="health-cluster", **row))
    assert await called(app) == 0
    assert (await listed(live))[0]["held"]
    async with database.transaction() as session:
        await session.execute(sa.delete(ENDED_RIGHTS))
    assert await called(app) == 1


async def test_after_a_restore_nobody_is_called_until_an_owner_enables_the_webhook(
    app: FastAPI, live: AsyncClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await added(live, receiver.url)
    monkeypatch.setattr("sys.argv", ["directory", "apply-restrictions"])
    await operations._apply_restrictions(app.state.context.database)
    assert await called(app) == 0
    (shown,) = (await live.get(PATH, headers=as_("health-cluster"))).json()
    assert (shown["active"], shown["disabled_reason"]) == (False, "restored_backup")
    enabled = await live.post(f"{PATH}/{hook['id']}/enable", headers=as_("health-cluster"))
    assert enabled.json()["active"] is True
    assert await called(app) == 1


async def test_two_workers_make_a_call_once(
    app: FastAPI, live: AsyncClient, receiver: Receiver
) -> None:
    await added(live, receiver.url)

    async def second() -> None:
        receiver.during = None
        assert await called(app) == 0

    receiver.during = second
    assert await called(app) == 1
    assert len(receiver.calls) == 1


async def test_only_readers_add_webhooks_at_most_five_and_only_their_own_are_shown(
    live: AsyncClient, receiver: Receiver
) -> None:
    anonymous = await live.post(PATH, json={"url": receiver.url}, headers={"Idempotency-Key": "1"})
    assert anonymous.status_code == 401
    hooks = [await added(live, f"{receiver.url}?{n}") for n in range(5)]
    headers = as_("health-cluster") | {"Idempotency-Key": "6"}
    assert (await live.post(PATH, json={"url": receiver.url}, headers=headers)).status_code == 409
    assert await listed(live, "ngo-salud") == []
    own = f"{PATH}/{hooks[0]['id']}"
    assert (await live.delete(own, headers=as_("ngo-salud"))).status_code == 404
    assert (await live.delete(own, headers=as_("health-cluster"))).status_code == 204
    assert len(await listed(live)) == 4
