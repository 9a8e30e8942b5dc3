"""What is asked and written once for a batch that is done together: nobody can tell it from commands that came one by one."""

import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from referrals.ground.keys.store import CaseKeys
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from stack.embedded.postgres import PostgresServer, ServiceDatabase

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
# What is another each time, and what is empty stays so.
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
    """Commands about an existing case and new ones; some come twice, some are refused, and after some there is nothing
    left to write about. The keys end with those of the case, so each case has its own."""
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
        assert not together or after == await contents(story)  # a repeat changes nothing
        outcomes.append((first, again, after - before))
    (first, again, rows), (first_then, again_then, rows_then) = outcomes
    if all_or_none(first, first_then):
        assert rows_then == rows
        all_or_none(again, again_then)
    else:
        assert not rows_then


def all_or_none(one_by_one: list[Any], together: list[Any]) -> bool:
    """Whether all was done. Else only the first that was refused says why."""
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


async def test_what_comes_again_is_known_and_not_found_out_by_a_refusal(
    story: Story, case_keys: CaseKeys
) -> None:
    """A batch that is refused at its end is done again, and each time makes a key for its case."""

    service_id, before = await story.service(), await keys_made(case_keys)
    case = {"key": "c", "path": "/referrals/v1/cases", "body": {"area": "VE23", "identity": {}}}
    batch = [case, *commands("${c.id}", service_id, story)]
    batch[1]["body"]["items"] = ["situation"]
    batch += [batch[2], batch[0], batch[3]]
    for _ in range(2):
        results = await bulk(story, batch, together=True)
        assert [one["status"] for one in results] == [201, 201, 201, 200, 201, 201, 200]
        assert await keys_made(case_keys) == before + 1


async def keys_made(keys: CaseKeys) -> int:
    ((made,),) = await keys.database.once("SELECT count(*) FROM case_keys")
    return int(made)


async def test_a_key_that_comes_again_with_another_body_is_refused(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    consent, draft, _ = commands(case["id"], service_id, story)
    other = {**draft, "body": {**draft["body"], "payload": {"situation": "y"}}}
    results = await bulk(story, [draft, consent, other], together=True)
    assert [one["status"] for one in results] == [
        422,
        424,
        422,
    ]  # both are of the key that was refused
    assert results[2]["body"]["code"] == "idempotency_key_reused"
    assert await counted(story) == [0, 0]


@asynccontextmanager
async def beside(database: ServiceDatabase) -> AsyncIterator[AsyncConnection]:
    """Somebody else in the same database."""
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


DECISION = {
    "key": "w",
    "path": "/referrals/v1/consents",
    "body": {"case_id": "${c.id}", "kind": "reporting", "method": "verbal"},
}
"""On statistics, by the person of that case."""


def of_a_new_case(service_id: str, story: Story) -> list[dict[str, Any]]:
    """Registered, consent recorded, drafted, sent."""
    body = {"area": "VE23", "identity": {"name": "Eva Canaria", "age": 40}}
    case = {"key": "c", "path": "/referrals/v1/cases", "body": body}
    batch = [case, *commands("${c.id}", service_id, story)]
    batch[1]["body"]["items"] = ["situation"]
    return batch


def of_its_own(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same commands under keys that were not used yet."""
    end = f"-of-{uuid4().hex[:8]}"
    text = re.sub(r"\$\{(\w+)", rf"${{\g<1>{end}", json.dumps(batch))
    return [{**one, "key": one["key"] + end} for one in json.loads(text)]


_BETWEEN: dict[str, tuple[int, str, dict[str, Any]]] = {
    "a case that was closed": (1, "cases/${c.id}/close", {"reason": "other"}),
    "a consent that was withdrawn": (3, "consents/${g.id}/withdraw", {"method": "phone"}),
    "a draft that was recalled": (3, "referrals/${r.id}/recall", {"reason": "other"}),
    "a draft that was sent": (3, "referrals/${r.id}/send", {"grant_id": "${g.id}"}),
}


@pytest.mark.parametrize("what", _BETWEEN)
async def test_what_was_made_a_moment_ago_is_what_became_of_it(story: Story, what: str) -> None:
    at, path, body = _BETWEEN[what]
    batch = of_a_new_case(await story.service(), story)
    batch.insert(at, {"key": "b", "path": f"/referrals/v1/{path}", "body": body})
    together = await bulk(story, batch, together=True)
    one_by_one = await bulk(story, batch, together=False)
    assert all(one["status"] < 300 for one in one_by_one[: at + 1])
    assert not all_or_none(one_by_one, together)


async def test_another_draft_under_a_consent_that_was_used_is_not_sent(story: Story) -> None:
    batch = of_a_new_case(await story.service(), story)
    again = [{**one, "key": f"{one['key']}2"} for one in batch[2:]]
    again[1]["path"] = "/referrals/v1/referrals/${r2.id}/send"
    results = await bulk(story, [*batch[:3], again[0], batch[3], again[1]], together=True)
    assert [one["status"] for one in results] == [424, 424, 424, 424, 424, 409]
    assert results[-1]["body"]["code"] == "no_consent"


@pytest.mark.parametrize("at", [1, 3])
async def test_statistics_are_told_what_the_person_agreed_to_a_moment_before(
    story: Story, at: int
) -> None:
    service_id, written = await story.service(), []
    for together in (False, True):
        batch = of_a_new_case(service_id, story)
        batch.insert(at, DECISION)
        before = await contents(story)
        results = await bulk(story, of_its_own(batch), together=together)
        assert [one["status"] for one in results] == [*[201] * 4, 200], results
        written.append(await contents(story) - before)
    one_by_one, at_once = written
    assert at_once == one_by_one
    (told,) = (row for row in at_once if row.startswith("outbox") and "referral.sent" in row)
    assert '"age_band": "18-59"' in told


async def test_a_batch_keeps_to_the_times_that_coordinators_set(story: Story) -> None:
    times = {
        "window_minutes": 30,
        "supervisor_after_minutes": 10,
        "alternative_after_minutes": 20,
        "expiry_after_minutes": 30,
        "working_time": False,
    }
    path = "/timers/policies/GBV/urgent/acknowledge"
    assert (await story.call("gbv-coordinator", "PUT", path, times)).status_code == 200
    batch = of_a_new_case(await story.service(categories=("GBV-PSS",)), story)
    batch[1]["body"]["purpose"] = batch[2]["body"]["category"] = "GBV-PSS"
    batch[2]["body"]["urgency"] = "urgent"
    *_, sent = await bulk(story, batch, together=True)
    due, since = (datetime.fromisoformat(sent["body"][at]) for at in ("acknowledge_by", "sent_at"))
    assert due - since == timedelta(minutes=30)


async def test_a_draft_may_come_right_after_its_case_and_need_not_be_done_again(
    story: Story, case_keys: CaseKeys
) -> None:
    case, consent, draft, send = of_a_new_case(await story.service(), story)
    before = await keys_made(case_keys)
    results = await bulk(story, [case, draft, consent, send], together=True)
    assert [one["status"] for one in results] == [201, 201, 201, 200]
    assert await keys_made(case_keys) == before + 1


async def test_what_waited_is_refused_to_its_own_command(
    story: Story, postgres: PostgresServer, key_store: tuple[ServiceDatabase, Path]
) -> None:
    """A case's key cannot be stored, which shows when a command ends that waits for none."""
    batch, role = of_a_new_case(await story.service(), story), key_store[0].app_role
    batch.insert(3, DECISION)
    postgres.psql(f"REVOKE INSERT ON case_keys FROM {role}", database="referral_keys")
    try:
        results = await bulk(story, batch, together=True)
    finally:
        postgres.psql(f"GRANT INSERT ON case_keys TO {role}", database="referral_keys")
    assert [one["status"] for one in results] == [500, 424, 424, 424, 424]
    assert await counted(story) == [0, 0]
