"""A batch executed together has the same result as its commands one by one."""

import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.story import Story
from tests.services.referrals.test_batches import commands, counted
from tests.support.principals import principal

_SEEDS = 16
_TABLES = (
    "cases",
    "case_lookups",
    "grants",
    "referrals",
    "referral_steps",
    "snapshots",
    "timers",
    "notices",
    "outbox",
    "audit_entries",
    "audit_heads",
    "stored_results",
)
# Values that differ in each run, unless they are empty.
_OTHER_EACH_TIME = re.compile(
    r"-of-[0-9a-f]{8}|[0-9a-f]{8}-[0-9a-f-]{27}|\\\\x[0-9a-f]+|\d{4}-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)?"
    r"|\b[0-9a-f]{64}\b|\b[A-Z0-9]{5}-[A-Z0-9]{5}\b|\b[A-Z0-9]{4}(?:-[A-Z0-9]{4}){3}\b"
)
_PLACES = ["position", "previous_position"]
_BOTH_ROLES = ["caseworker", "supervisor"]
_CLIENT = principal("ngo-refugio").subject


def masked(text: str) -> str:
    return _OTHER_EACH_TIME.sub("~", text)


async def bulk(story: Story, batch: list[dict[str, Any]], *, together: bool) -> list[Any]:
    sent = {"commands": batch, "together": together}
    done = await story.made("ngo-refugio", "/bulk", sent, roles=_BOTH_ROLES)
    results: list[Any] = done["results"]
    return results


async def contents(story: Story) -> Counter[str]:
    rows: Counter[str] = Counter()
    for table in _TABLES:
        for (row,) in await story.rows(
            f"SELECT (to_jsonb(t) - CAST(:places AS text[]))::text FROM {table} t",
            places=_PLACES,
        ):
            rows[f"{table} {masked(row)}"] += 1
    return rows


def drawn(seed: int, service_id: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    """Draw commands about existing and new cases. Some repeat, some are refused, and some write nothing. Each case has
    its own keys, which end with it."""
    random_ = random.Random(seed)  # noqa: S311 - draws commands; nothing secret
    mine = case["id"][-8:]
    batch: list[dict[str, Any]] = []

    def add(name: str, path: str, body: dict[str, Any], **more: Any) -> str:
        key = f"{name}{len(batch)}-of-{mine}"
        batch.append({"key": key, "path": f"/referrals/v1{path}", "body": body, **more})
        return key

    for _ in range(random_.randint(1, 3)):
        of, about = case["id"], random_.choice(["old", "new"])
        if about == "new":
            body = {"area": "VE23", "identity": {"name": "Eva Canaria", "age": 40}}
            of = f"${{{add('c', '/cases', body)}.id}}"
        consent = {"case_id": of, "service_id": service_id, "purpose": "HLT"}
        consent |= {"items": ["name", "situation"], "method": "verbal"}
        grant = add("g", "/consents", consent)
        draft = {"case_id": of, "service_id": service_id, "category": "HLT"}
        draft |= {"payload": {"situation": "x"}, "safe_contact": {"rule": "person_comes"}}
        referral = add("r", "/referrals", draft)
        body = {"grant_id": f"${{{grant}.id}}"}
        only_if = {"key": grant, "status": random_.choice(["active", "active", "pending"])}
        add("s", f"/referrals/${{{referral}.id}}/send", body, only_if=only_if)
        match random_.randrange(9):
            case 0:
                add(
                    "e",
                    f"/cases/{case['id']}/erase",
                    {"confirm": case["reference"], "basis": "person_request"},
                )
            case 1:
                add("w", f"/consents/${{{grant}.id}}/withdraw", {"method": "phone"})
            case 2:
                batch[-2]["body"]["category"] = "FOOD"
            case 3 | 4:
                batch.append(dict(random_.choice(batch)))
            case 5:
                batch.append({**random_.choice(batch), "body": {"reason": "other"}})
            case 6:
                add("x", f"/referrals/${{{referral}.id}}/recall", {"reason": "other"})
    return batch


@pytest.mark.parametrize("seed", range(_SEEDS))
async def test_together_ends_as_one_by_one(story: Story, seed: int) -> None:
    service_id = await story.service()
    outcomes = []
    for together in (False, True):
        batch = drawn(seed, service_id, await story.case())
        before = await contents(story)
        first = await bulk(story, batch, together=together)
        after = await contents(story)
        again = await bulk(story, batch, together=together)
        assert not together or after == await contents(story)  # A repeat changes nothing.
        outcomes.append((first, again, after - before))
    (first, again, rows), (first_then, again_then, rows_then) = outcomes
    if all_or_none(first, first_then):
        assert rows_then == rows
        all_or_none(again, again_then)
    else:
        assert not rows_then


def all_or_none(one_by_one: list[Any], together: list[Any]) -> bool:
    """Check that all commands succeeded, or that the first refused command gives the reason for all."""
    wrong = next((at for at, one in enumerate(one_by_one) if one["status"] >= 300), None)
    if wrong is None:
        assert [masked(str(one)) for one in together] == [masked(str(one)) for one in one_by_one]
        return True
    refused = together[wrong]
    assert masked(str(refused)) == masked(str(one_by_one[wrong]))
    assert {one["status"] for one in together if one["key"] != refused["key"]} <= {424}
    return False


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_command_that_comes_again_in_its_batch_is_carried_out_once(
    story: Story, which: int
) -> None:
    service_id, case = await story.service(), await story.case()
    batch = commands(case["id"], service_id, story)
    again = [*batch, batch[which], batch[which]]
    results = await bulk(story, again, together=True)
    assert [one["status"] for one in results] == [201, 201, 200, *[results[which]["status"]] * 2]
    assert {one["body"]["id"] for one in results[3:]} == {results[which]["body"]["id"]}
    assert await counted(story) == [0, 1]


async def test_a_key_that_comes_again_with_another_body_is_refused(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    consent, draft, _ = commands(case["id"], service_id, story)
    other = {**draft, "body": {**draft["body"], "payload": {"situation": "y"}}}
    results = await bulk(story, [draft, consent, other], together=True)
    assert [one["status"] for one in results] == [
        422,
        424,
        422,
    ]  # The first and the last entry use the refused key.
    assert results[2]["body"]["code"] == "idempotency_key_reused"
    assert await counted(story) == [0, 0]


@asynccontextmanager
async def beside(database: ServiceDatabase) -> AsyncIterator[AsyncConnection]:
    """Yield another caller's connection to the same database."""
    engine = create_async_engine(database.app_url)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def test_a_key_that_somebody_is_at_is_refused_by_its_own_command(
    story: Story, referrals_database: ServiceDatabase
) -> None:
    service_id, case = await story.service(), await story.case()
    batch = commands(case["id"], service_id, story)
    name = f"{_CLIENT}\nPOST /referrals/v1/referrals\nr".encode()
    lock = int.from_bytes(sha256(name).digest()[:8], "big", signed=True)
    async with beside(referrals_database) as other:
        await other.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        results = await bulk(story, batch, together=True)
        assert [one["status"] for one in results] == [424, 409, 424]
        assert results[1]["body"]["code"] == "idempotency_in_flight"
    assert await counted(story) == [0, 0]
    results = await bulk(story, batch, together=True)
    assert [one["status"] for one in results] == [201, 201, 200]
