"""Several replicas run at once on a database with real commits: one outcome, one escalation."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.db.session import Database
from httpx import ASGITransport, AsyncClient
from referrals.app import create_app
from referrals.ground.keys.store import CaseKeys
from referrals.ground.locking_queries import hold_case
from referrals.ground.row_security import acting_as_service
from referrals.listening.breakglass.service import end_for
from referrals.referral.escalations.due_timers import fire_due
from referrals.settings import Settings
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.story import LEGAL, SALUD, Story
from tests.services.referrals.test_batches import commands as referred
from tests.services.referrals.test_break_glass import ASKER, opened
from tests.services.referrals.test_bridges import (
    HEALTH,
    PRIMERO,
    PRIMERO_MAPPING,
    PSYCHOSOCIAL,
    case_form,
    changed,
)
from tests.services.referrals.test_intake import send
from tests.services.referrals.test_scenarios import transfer_offer
from tests.support.databases import MigratedDatabases
from tests.support.patience import PATIENCE
from tests.support.principals import organisation

REPLICAS = 5


@pytest.fixture(scope="session")
async def committed(databases: MigratedDatabases) -> ServiceDatabase:
    return await databases.of("referrals", "referrals_racing")


@pytest.fixture
async def replicas(committed: ServiceDatabase) -> AsyncIterator[list[Database]]:
    opened = [Database.at(committed.app_url, pool_size=2) for _ in range(REPLICAS)]
    yield opened
    for database in opened:
        await database.close()


@pytest.fixture
async def stories(
    settings: Settings, replicas: list[Database], case_keys: CaseKeys
) -> AsyncIterator[list[Story]]:
    """Return the same service behind five replicas."""
    made = []
    for database in replicas:
        app = create_app(settings, database=database, keys=case_keys)
        transport = ASGITransport(app, raise_app_exceptions=False)
        made.append(Story(AsyncClient(transport=transport, base_url="http://ruta"), database))
    yield made
    for story in made:
        await story.client.aclose()


async def events_of(story: Story, referral_id: str) -> list[Any]:
    return await story.rows(
        "SELECT type, version FROM outbox WHERE aggregateid = :id ORDER BY version", id=referral_id
    )


async def test_10_five_replicas_fire_each_escalation_once(
    stories: list[Story], replicas: list[Database], case_keys: CaseKeys
) -> None:
    sent = [await stories[0].sent() for _ in range(4)]
    start = datetime.fromisoformat(sent[-1]["sent_at"])
    fired = 0
    for hours in (25, 31, 37, 200):
        now = start + timedelta(hours=hours)
        fired += sum(await asyncio.gather(*(fire_due(db, case_keys, now) for db in replicas)))
    # A replica skips rows that another one has locked, so one more round proves that none was left over.
    fired += await fire_due(replicas[0], case_keys, start + timedelta(hours=200))
    rows = await stories[0].rows(
        "SELECT referral_id, step FROM escalations WHERE referral_id = ANY(:ids)",
        ids=[r["id"] for r in sent],
    )
    assert len(rows) == len({(r.referral_id, r.step) for r in rows}) == 4 * 3
    assert fired >= 12
    for referral in sent:
        events = await events_of(stories[0], referral["id"])
        assert [e.type.split(".")[-2] for e in events].count("raised") == 3
        assert [e.version for e in events] == sorted({e.version for e in events})


async def test_16_accept_races_with_recall_and_one_wins(stories: list[Story]) -> None:
    for _ in range(6):
        referral = await stories[0].sent()
        path = f"/referrals/{referral['id']}"
        answers = await asyncio.gather(
            *(
                story.post("ngo-salud", f"{path}/accept", {"focal_point": "x"})
                for story in stories[:2]
            ),
            *(
                story.post("ngo-refugio", f"{path}/recall", {"reason": "other"})
                for story in stories[2:4]
            ),
        )
        statuses = sorted(a.status_code for a in answers)
        assert set(statuses) <= {200, 409}
        history = (await stories[0].get("ngo-refugio", f"{path}/history")).json()
        # An accepted referral may be recalled later, but a recalled one is never accepted.
        commands = [s["command"] for s in history][2:]
        assert commands in (["accept"], ["recall"], ["accept", "recall"])
        assert statuses.count(200) == len(commands)
        events = await events_of(stories[0], referral["id"])
        assert [e.version for e in events] == [s["version"] for s in history[1:]]
        both = [
            [
                i["kind"]
                for i in (await stories[0].get(who, "/feed?limit=500")).json()["items"]
                if i["subject_id"] == referral["id"]
            ]
            for who in ("ngo-refugio", "ngo-salud")
        ]
        assert both[0] == both[1]


async def test_a_case_is_read_through_the_glass_before_or_after_what_ends_the_access(
    stories: list[Story], replicas: list[Database]
) -> None:
    case = await stories[0].case()
    path = await opened(stories[0], case)
    waiting = (
        "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with replicas[2].transaction() as session, acting_as_service(session):
        await hold_case(session, UUID(case["id"]))
        reading = asyncio.create_task(stories[1].get(ASKER, f"{path}/case"))
        for _ in range(PATIENCE * 50):
            if reading.done() or await stories[0].rows(waiting):
                break
            await asyncio.sleep(0.02)
        await end_for(session, UUID(case["id"]), [SALUD])
    assert (await reading).status_code == 403


async def test_15_two_transfers_race_and_one_wins(stories: list[Story]) -> None:
    case = await stories[0].case()
    bodies = [
        await transfer_offer(stories[0], case["id"], to) for to in (SALUD, LEGAL, SALUD, LEGAL)
    ]
    answers = await asyncio.gather(
        *(
            story.post("ngo-refugio", "/transfers", body)
            for story, body in zip(stories, bodies, strict=False)
        )
    )
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409]
    transfer = next(a.json() for a in answers if a.status_code == 201)
    taker = "ngo-salud" if transfer["to_organisation"] == str(SALUD) else "ngo-legal"
    path = f"/transfers/{transfer['id']}"
    ends = await asyncio.gather(
        stories[0].post(taker, f"{path}/accept"),
        stories[1].post("ngo-refugio", f"{path}/recall", {"reason": "other"}),
        stories[2].post(taker, f"{path}/accept"),
    )
    assert sorted(a.status_code for a in ends) == [200, 409, 409]


async def test_the_feed_loses_nothing_that_commits_late(
    stories: list[Story], replicas: list[Database]
) -> None:
    """A cursor does not skip a transaction that began first and commits last."""
    story = stories[0]
    insert = sa.text(
        "INSERT INTO notices (id, organisation_id, kind, subject_type, subject_id, at)"
        " VALUES (gen_random_uuid(), :org, :kind, 'training', gen_random_uuid(), now())"
    )
    org = organisation(11)
    token = {"org": str(org)}
    first = (await story.get("ngo-refugio", "/feed", **token)).json()
    async with replicas[1].transaction() as slow:
        await slow.execute(insert, {"org": org, "kind": "slow"})
        async with replicas[2].transaction() as quick:
            await quick.execute(insert, {"org": org, "kind": "quick"})
        between = (
            await story.get("ngo-refugio", f"/feed?cursor={first['next_cursor']}", **token)
        ).json()
        assert between["items"] == []
    # Any other open transaction in the database also delays the feed, but the order stays right.
    items: list[Any] = []
    cursor, until = between["next_cursor"], time.monotonic() + PATIENCE
    while len(items) < 2:
        assert time.monotonic() < until, "it did not come"
        after = (await story.get("ngo-refugio", f"/feed?cursor={cursor}", **token)).json()
        items += after["items"]
        cursor = after["next_cursor"]
    assert [i["kind"] for i in items] == ["slow", "quick"]


async def test_a_keyed_batch_holds_no_connection_while_its_commands_run(
    settings: Settings, committed: ServiceDatabase, case_keys: CaseKeys
) -> None:
    """With only one connection in the pool, a batch that kept it would wait for itself."""
    narrow = Database.at(committed.app_url, pool_size=1, overflow=0)
    app = create_app(settings, database=narrow, keys=case_keys)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://ruta") as client:
        story = Story(client, narrow)
        batch: dict[str, Any] = {
            "commands": [
                {"key": f"c{n}", "path": "/referrals/v1/cases", "body": {"area": "VE23"}}
                for n in range(3)
            ]
        }
        first = await story.post("ngo-refugio", "/bulk", batch, key="batch-of-one-connection")
        assert [r["status"] for r in first.json()["results"]] == [201, 201, 201]
        again = await story.post("ngo-refugio", "/bulk", batch, key="batch-of-one-connection")
        assert again.json() == first.json()
        batch["together"] = True
        again = await story.post("ngo-refugio", "/bulk", batch)
        assert again.json() == first.json()
    await narrow.close()


async def test_a_form_that_is_sent_by_many_at_once_refers_once(stories: list[Story]) -> None:
    """The form sends consent, draft and referral together. Each response equals the first one's, or asks the client to
    wait for it."""
    service_id, case = await stories[0].service(), await stories[0].case()
    batch = {"commands": referred(case["id"], service_id, stories[0]), "together": True}
    answers = await asyncio.gather(
        *(story.made("ngo-refugio", "/bulk", batch) for story in stories for _ in range(2))
    )
    told = [[one["status"] for one in answer["results"]] for answer in answers]
    assert [201, 201, 200] in told
    assert all(409 in one or one == [201, 201, 200] for one in told), told
    await stories[0].made("ngo-refugio", "/bulk", batch)
    sent = (await stories[0].get("ngo-refugio", f"/referrals?case_id={case['id']}")).json()["items"]
    assert [one["state"] for one in sent] == ["sent"]
    given = await stories[0].get("ngo-refugio", f"/consents?case_id={case['id']}")
    assert len(given.json()["items"]) == 1


async def test_versions_of_one_record_at_once_make_one_case(stories: list[Story]) -> None:
    made = await case_form(stories[0], "primero", PRIMERO_MAPPING)
    types = ("health_medical_service", "psychosocial_service")
    versions = [changed(PRIMERO, services_section=[{"service_type": each}]) for each in types]
    answers = await asyncio.gather(
        *(send(story, made, version) for story in stories for version in versions)
    )
    said = [each.json() for each in answers]
    assert {each["status"] for each in said} == {"taken"}
    assert sum(not each["repeated"] for each in said) == len(versions)
    (record,) = await stories[0].rows(
        "SELECT case_id FROM intake_records WHERE form_id = :id", id=made["id"]
    )
    planned = await stories[0].rows(
        "SELECT need FROM plan_items WHERE case_id = :id", id=record.case_id
    )
    assert sorted(each.need for each in planned) == [PSYCHOSOCIAL, HEALTH]
    drafts = await stories[0].rows("SELECT 1 FROM referrals WHERE case_id = :id", id=record.case_id)
    assert len(drafts) == 1


@pytest.mark.parametrize("word", ["mango", "ceiba", "coffee"])
async def test_two_cases_that_take_one_word_at_once_do_not_both_have_it(
    stories: list[Story], word: str
) -> None:
    asked = [(story, (await story.case())["id"]) for story in stories]
    taken = await asyncio.gather(
        *(
            story.call("ngo-refugio", "PATCH", f"/cases/{case}", {"word": word})
            for story, case in asked
        )
    )
    assert sorted(answer.status_code for answer in taken) == [200, *[422] * (REPLICAS - 1)]
