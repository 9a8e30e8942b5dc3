"""Every worker retries a transaction that PostgreSQL aborted in favour of another one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from common import clock
from common.crypto import key_from_base64
from common.db.session import Database
from common.webhooks.addresses import networks
from common.webhooks.client import client
from httpx import ASGITransport, AsyncClient
from referrals.app import create_app
from referrals.ground.directory.consumers import flag_stale
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.service import fan_out
from referrals.listening.intake.service import discard_old
from referrals.screening.screenings.service import erase_unattached
from referrals.settings import Settings
from referrals.telling.webhooks.dispatch import deliveries
from sqlalchemy.exc import DBAPIError
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.services.referrals.rounds import deliver_due
from tests.services.referrals.screening_words import begun
from tests.services.referrals.story import Story
from tests.services.referrals.test_intake import KOBO, form, send
from tests.support.databases import MigratedDatabases

_NAME = "referrals_given_up"
# The first statement that changes a row of the table fails. A sequence counts these statements, because sequences are
# not rolled back.
_VICTIM = """
DROP SEQUENCE IF EXISTS victims CASCADE;
CREATE SEQUENCE victims;
CREATE OR REPLACE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF nextval('victims') = 1 THEN
        RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER give_up AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION give_up();
"""
_LATER = timedelta(days=1)


@pytest.fixture(scope="module")
async def apart(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("referrals", _NAME)


@pytest.fixture
async def story(
    settings: Settings, apart: ServiceDatabase, case_keys: CaseKeys
) -> AsyncIterator[Story]:
    database = Database.at(apart.app_url, pool_size=4)
    app = create_app(settings, database=database, keys=case_keys)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://ruta") as called:
        yield Story(called, database)
    await database.close()


async def fanned_out(story: Story, _settings: Settings, _keys: CaseKeys) -> int:
    return await fan_out(story.database, [deliveries])


async def delivered(story: Story, settings: Settings, _keys: CaseKeys) -> int:
    key = key_from_base64(settings.stored_result_key.get_secret_value())
    loopback = networks("127.0.0.0/8")
    while await fan_out(story.database, [deliveries]):
        pass
    async with client(loopback) as http:
        return await deliver_due(story.database, http, key, loopback)


async def flagged(story: Story, _settings: Settings, _keys: CaseKeys) -> int:
    with clock.shifted(_LATER):
        return await story.database.retried(lambda session: flag_stale(session, clock.now()))


async def erased(story: Story, _settings: Settings, keys: CaseKeys) -> int:
    return await erase_unattached(story.database, keys, clock.now() + _LATER)


async def discarded(story: Story, _settings: Settings, keys: CaseKeys) -> int:
    return await discard_old(story.database, keys, clock.now() + _LATER)


Work = Callable[[Story, Settings, CaseKeys], Awaitable[int]]


@pytest.mark.parametrize(
    ("table", "work"),
    [
        ("notices", fanned_out),
        ("webhook_deliveries", delivered),
        ("referrals", flagged),
        ("screenings", erased),
        ("intake_submissions", discarded),
    ],
)
async def test_a_victim_is_done_again(
    story: Story,
    settings: Settings,
    case_keys: CaseKeys,
    postgres: PostgresServer,
    table: str,
    work: Work,
) -> None:
    await story.made("ngo-salud", "/webhooks", {"url": "http://127.0.0.1:9009/hook"})
    service = await story.service(valid_until=clock.now() + _LATER / 2)
    await story.sent(service_id=service)
    await begun(story)
    made = await form(story)
    await send(story, made, {**KOBO, "_uuid": table, "meta/deprecatedID": "uuid:before"})

    async def sql(script: str) -> str:
        return await asyncio.to_thread(postgres.psql, script, database=_NAME)

    await sql(_VICTIM.format(table=table))
    try:
        try:
            done = await work(story, settings, case_keys)
        except DBAPIError:
            pytest.fail("it was given up, and not done again")
        assert done >= 1
        assert int(await sql("SELECT last_value FROM victims")) > 1
    finally:
        await sql(f"DROP TRIGGER give_up ON {table}")
