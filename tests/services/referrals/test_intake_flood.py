"""After an outage a peer sends all it has, at once, again, in no order, with clocks that lie."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from common.db.session import Database
from httpx import ASGITransport, AsyncClient
from referrals.app import create_app
from referrals.ground.keys.store import CaseKeys
from referrals.settings import Settings

from tests.services.referrals.story import Story
from tests.services.referrals.test_bridges import (
    HEALTH,
    PRIMERO,
    PRIMERO_MAPPING,
    PSYCHOSOCIAL,
    case_form,
    changed,
)
from tests.services.referrals.test_intake import send
from tests.support.databases import MigratedDatabases

SUBMISSIONS = int(os.environ.get("RUTA_FLOOD", "600"))
"""How many calls come; 10,000 were played once."""
AT_ONCE = 24
TIMES = ("1970-01-01T00:00:00Z", "2026-11-10T05:34:59.514Z", "2031-01-01T00:00:00Z", "yesterday")
FIRST = [{"service_type": "health_medical_service"}]
BOTH = [*FIRST, {"service_type": "psychosocial_service"}]


def flood(dice: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Reference of a record → the calls that speak of it: two versions, each twice, the clock anywhere;
    of every tenth record a field that only a newer Primero has stands in both versions."""
    calls: dict[str, list[dict[str, Any]]] = {}
    for number in range(SUBMISSIONS // 4):
        reference = f"flood-{number:05d}"
        newer = {"consent_given_by": "herself"} if number % 10 == 0 else {}
        calls[reference] = [
            changed(
                PRIMERO,
                record_id=reference,
                case_id_display=reference,
                last_updated_at=dice.choice(TIMES),
                services_section=services,
                **newer,
            )
            for services in (FIRST, BOTH)
            for _ in range(2)
        ]
    return calls


@pytest.fixture
async def replicas(
    databases: MigratedDatabases, settings: Settings, case_keys: CaseKeys
) -> AsyncIterator[list[Story]]:
    """The same service behind three replicas, on a database with real commits."""
    committed = await databases.of("referrals", "referrals_flood")
    opened = [Database.at(committed.app_url, pool_size=4) for _ in range(3)]
    stories = []
    for database in opened:
        app = create_app(settings, database=database, keys=case_keys)
        transport = ASGITransport(app, raise_app_exceptions=False)
        stories.append(Story(AsyncClient(transport=transport, base_url="http://ruta"), database))
    yield stories
    for story in stories:
        await story.client.aclose()
        await story.database.close()


@pytest.mark.slow
async def test_a_flood_loses_nothing_and_doubles_nothing(replicas: list[Story]) -> None:
    story = replicas[0]
    made = await case_form(story, "primero", PRIMERO_MAPPING)
    dice = random.Random(4_711)  # noqa: S311 - the same flood each time
    calls = flood(dice)
    queue = [(reference, call) for reference, each in calls.items() for call in each]
    dice.shuffle(queue)
    lanes = asyncio.Semaphore(AT_ONCE)

    async def told(call: dict[str, Any]) -> tuple[int, str]:
        async with lanes:
            # A service that is too busy says 503, and every one of these tools sends again.
            while (answer := await send(dice.choice(replicas), made, call)).status_code == 503:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            return answer.status_code, answer.json()["status"]

    answers = await asyncio.gather(*(told(call) for _, call in queue))
    strange = {reference for number, reference in enumerate(calls) if number % 10 == 0}
    assert Counter(answers) == {
        (202, "taken"): 4 * (len(calls) - len(strange)),
        (202, "quarantined"): 4 * len(strange),
    }
    rows = await story.rows("SELECT status, case_id, reasons FROM intake_submissions")
    assert Counter(each.status for each in rows) == {
        "taken": 2 * (len(calls) - len(strange)),
        "quarantined": 2 * len(strange),
    }
    assert {tuple(each.reasons) for each in rows} == {(), ("unmapped_field",)}
    cases = {each.id for each in await story.rows("SELECT id FROM cases")}
    assert len(cases) == len(calls) - len(strange)
    assert {each.case_id for each in rows} == {*cases, None}
    needs = await story.rows("SELECT case_id, need FROM plan_items")
    assert Counter((each.case_id, each.need) for each in needs) == {
        (case, need): 1 for case in cases for need in (HEALTH, PSYCHOSOCIAL)
    }
    assert len(await story.rows("SELECT 1 FROM referrals")) == len(cases)
