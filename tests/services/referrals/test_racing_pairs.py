"""Runs every pair of commands on one case at once; the result must equal one of the two orders.

A long run plays fifty rounds of each pair (`RUTA_RACES=50`), and `--all` plays some of the pairs.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from itertools import combinations_with_replacement
from typing import Any

import pytest
from common.db.session import Database
from common.words.referral_states import ReferralState
from httpx import ASGITransport, AsyncClient, Response
from referrals.app import ROUTERS, create_app
from referrals.ground.keys.store import CaseKeys
from referrals.settings import Settings
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.services.referrals.case_commands import (
    COMMANDS,
    WITHDRAWALS,
    CaseCommand,
    Situation,
    state_for,
)
from tests.services.referrals.story import Story
from tests.support.databases import MigratedDatabases

ROUNDS = int(os.environ.get("RUTA_RACES", "0"))
SOME, FEW = 13, 61
"""Every so many of the pairs: primes, so that they are not all of one command."""
PAIRS = list(combinations_with_replacement(COMMANDS, 2))
Outcome = tuple[tuple[int | None, int | None], dict[str, list[str]]]
REFUSED = {403, 404, 409, 410, 422}
_NAME = "referrals_pairs"

# A case's state without ids and times, to compare with the state after either order.
_STATE_OF = {
    "case": "SELECT status, minor, caregiver, area FROM cases WHERE id = :c",
    "implicated": "SELECT organisation_id FROM implicated_organisations WHERE case_id = :c",
    "grants": "SELECT kind, status, organisation_id, attributes IS NULL FROM grants WHERE case_id = :c",
    "exceptions": "SELECT status, organisation_id, reviewed_by FROM exceptions WHERE case_id = :c",
    "referrals": (
        "SELECT state, version, from_organisation, service_flag, grant_id IS NULL,"
        " exception_id IS NULL, feedback_confirmed_by, draft IS NULL"
        " FROM referrals WHERE case_id = :c"
    ),
    "snapshots": ("SELECT revoked_at IS NULL, sealed IS NULL FROM snapshots WHERE case_id = :c"),
    "timers": (
        "SELECT clock, step FROM timers t JOIN referrals r ON r.id = t.referral_id"
        " WHERE r.case_id = :c"
    ),
    "transfers": "SELECT state, reason FROM transfers WHERE case_id = :c",
    "tasks": "SELECT kind, organisation_id, done_at IS NULL FROM tasks WHERE case_id = :c",
    "accesses": "SELECT status, holder_organisation_id FROM break_glass WHERE case_id = :c",
    "screenings": "SELECT status, answers IS NULL FROM screenings WHERE case_id = :c",
    "plan": "SELECT need, status FROM plan_items WHERE case_id = :c",
    "given": "SELECT support_type, entered_in_error_at IS NULL FROM assistance WHERE case_id = :c",
    "reviews": "SELECT outcome FROM case_reviews WHERE case_id = :c",
    "matches": "SELECT status FROM case_matches WHERE :c IN (case_a, case_b)",
    "compared": "SELECT count(*) > 0 FROM match_tokens WHERE case_id = :c",
    "links": (
        "SELECT used_at IS NULL FROM answer_links l JOIN referrals r ON r.id = l.referral_id"
        " WHERE r.case_id = :c"
    ),
}

# No command leaves a case half done, so each query finds rows that must not exist.
_ENDED = (
    "('declined','completed','not_delivered','recalled','withdrawn','expired','entered_in_error')"
)
_UNUSED = "NOT EXISTS (SELECT 1 FROM referrals r WHERE r.{by} = x.id)"
_HALF_DONE = {
    "a timer of an ended referral": (
        "SELECT r.state FROM timers t JOIN referrals r ON r.id = t.referral_id"
        f" WHERE r.case_id = :c AND r.state IN {_ENDED}"
    ),
    "a referral that goes on without its consent": (
        "SELECT r.state FROM referrals r JOIN grants g ON g.id = r.grant_id"
        f" WHERE r.case_id = :c AND g.status <> 'active' AND r.state NOT IN {_ENDED}"
    ),
    "a snapshot that is still read": (
        "SELECT r.state FROM snapshots s JOIN referrals r ON r.id = s.referral_id"
        " LEFT JOIN grants g ON g.id = r.grant_id WHERE r.case_id = :c AND s.revoked_at IS NULL"
        " AND (g.status = 'withdrawn' OR r.state IN"
        " ('declined', 'recalled', 'withdrawn', 'expired', 'entered_in_error'))"
        " AND s.sealed IS NOT NULL"
    ),
    "a consent of a withdrawn draft that waits to be used": (
        "SELECT x.status FROM grants x JOIN referrals d ON d.case_id = x.case_id"
        " AND d.service_id = x.service_id WHERE x.case_id = :c AND x.kind = 'referral'"
        " AND x.status = 'active' AND d.state = 'withdrawn' AND d.sent_at IS NULL"
        f" AND d.changed_at > x.created_at AND {_UNUSED.format(by='grant_id')}"
    ),
    "an open transfer of an ended case": (
        "SELECT t.state FROM transfers t JOIN cases c ON c.id = t.case_id"
        " WHERE c.id = :c AND c.status <> 'open' AND t.state = 'offered'"
    ),
    "an open transfer without its consent": (
        "SELECT t.state FROM transfers t JOIN grants g ON g.id = t.grant_id"
        " WHERE t.case_id = :c AND t.state = 'offered' AND g.status <> 'active'"
    ),
    "a consent that an ended case waits for": (
        "SELECT x.kind, x.status FROM grants x JOIN cases c ON c.id = x.case_id WHERE c.id = :c"
        " AND x.status IN ('active', 'pending') AND (c.status = 'erased' OR"
        " (c.status = 'closed' AND x.kind <> 'reporting'"
        f" AND {_UNUSED.format(by='grant_id')}))"
    ),
    "an exception that an ended case waits for": (
        "SELECT x.status FROM exceptions x JOIN cases c ON c.id = x.case_id WHERE c.id = :c"
        " AND x.status IN ('pending', 'approved') AND (c.status = 'erased' OR"
        f" (c.status = 'closed' AND {_UNUSED.format(by='exception_id')}))"
    ),
    "a draft, a need, a review or a task of an ended case": (
        "SELECT what FROM cases c CROSS JOIN LATERAL ("
        "SELECT 'draft' FROM referrals WHERE case_id = c.id AND state = 'draft'"
        " UNION ALL SELECT 'need' FROM plan_items WHERE case_id = c.id"
        "  AND status IN ('planned', 'in_progress')"
        " UNION ALL SELECT 'review' FROM case_reviews WHERE case_id = c.id AND done_on IS NULL"
        " UNION ALL SELECT 'match' FROM case_matches WHERE c.id IN (case_a, case_b)"
        "  AND status <> 'ended'"
        " UNION ALL SELECT kind FROM tasks WHERE case_id = c.id AND done_at IS NULL"
        "  AND kind NOT IN ('delete_disclosed_data', 'stop_using_caregiver_contact')"
        ") AS left_over (what) WHERE c.id = :c AND c.status <> 'open'"
    ),
    "an access to an erased case": (
        "SELECT x.status FROM break_glass x JOIN cases c ON c.id = x.case_id"
        " WHERE c.id = :c AND c.status = 'erased' AND x.status IN ('asked', 'open')"
    ),
    "something open to an implicated organisation": (
        "SELECT what FROM implicated_organisations i CROSS JOIN LATERAL ("
        f"SELECT state FROM referrals WHERE case_id = i.case_id AND state NOT IN {_ENDED}"
        "  AND to_organisation = i.organisation_id AND sent_at IS NOT NULL"
        " UNION ALL SELECT state FROM transfers WHERE case_id = i.case_id AND state = 'offered'"
        "  AND to_organisation = i.organisation_id"
        " UNION ALL SELECT status FROM break_glass WHERE case_id = i.case_id AND status = 'open'"
        "  AND organisation_id = i.organisation_id"
        ") AS left_over (what) WHERE i.case_id = :c"
    ),
    "something that a former holder still holds": (
        "SELECT what FROM cases c CROSS JOIN LATERAL ("
        "SELECT 'consent' FROM grants WHERE case_id = c.id AND organisation_id <> c.organisation_id"
        " UNION ALL SELECT 'exception' FROM exceptions WHERE case_id = c.id"
        "  AND organisation_id <> c.organisation_id"
        " UNION ALL SELECT 'referral' FROM referrals WHERE case_id = c.id"
        "  AND from_organisation <> c.organisation_id"
        " UNION ALL SELECT 'access' FROM break_glass WHERE case_id = c.id AND status = 'asked'"
        "  AND holder_organisation_id <> c.organisation_id"
        ") AS left_over (what) WHERE c.id = :c"
    ),
}

# A transaction that writes a row of a case locks the case. There are two exceptions: a transaction that creates a
# case has it to itself, and the directory flags referrals of many cases.
_GUARD = """
CREATE OR REPLACE FUNCTION guard_case() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    row jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    ids uuid[];
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'referrals'
            AND to_jsonb(NEW) - 'service_flag' = to_jsonb(OLD) - 'service_flag' THEN
        RETURN NULL;
    END IF;
    ids := array_remove(ARRAY[(row ->> 'case_id')::uuid, (row ->> 'case_a')::uuid,
        (row ->> 'case_b')::uuid], NULL);
    IF TG_TABLE_NAME = 'cases' THEN
        ids := ARRAY[(row ->> 'id')::uuid];
    ELSIF ids = '{}' AND row ->> 'referral_id' IS NOT NULL THEN
        ids := ARRAY(SELECT case_id FROM referrals WHERE id = (row ->> 'referral_id')::uuid);
    END IF;
    IF ids <> '{}' AND NOT EXISTS (
            SELECT 1 FROM pg_locks l, unnest(ids) AS held
            WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.granted
            AND ((l.classid::bigint << 32) | l.objid::bigint) = uuid_hash_extended(held, 4321))
        AND NOT EXISTS (SELECT 1 FROM cases WHERE id = ANY (ids)
            AND xmin::text::bigint = pg_current_xact_id()::text::bigint % 4294967296) THEN
        RAISE EXCEPTION '% of % without holding its case', TG_OP, TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$$;
DO $$
DECLARE named text;
BEGIN
    FOR named IN
        SELECT DISTINCT table_name FROM information_schema.columns
        WHERE table_schema = 'public' AND (column_name IN ('case_id', 'case_a', 'referral_id')
            OR table_name = 'cases')
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER guard_case AFTER INSERT OR UPDATE OR DELETE ON %I'
            ' FOR EACH ROW EXECUTE FUNCTION guard_case()', named);
    END LOOP;
END
$$;
"""


@pytest.fixture(scope="module")
async def guarded(databases: MigratedDatabases, postgres: PostgresServer) -> ServiceDatabase:
    """Return a database that rejects writes about a case without its lock."""
    database = await databases.of("referrals", _NAME)
    await asyncio.to_thread(postgres.psql, _GUARD, database=_NAME)
    return database


@pytest.fixture
async def story(
    settings: Settings, guarded: ServiceDatabase, case_keys: CaseKeys
) -> AsyncIterator[Story]:
    database = Database.at(guarded.app_url, pool_size=6)
    app = create_app(settings, database=database, keys=case_keys)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://ruta") as client:
        yield Story(client, database)
    await database.close()


def _status(answer: Response | None) -> int | None:
    return None if answer is None else answer.status_code


async def _state(story: Story, case_id: str) -> dict[str, list[str]]:
    rows = {name: await story.rows(statement, c=case_id) for name, statement in _STATE_OF.items()}
    return {name: sorted(str(tuple(row)) for row in found) for name, found in rows.items()}


async def _play(
    story: Story, keys: CaseKeys, one: CaseCommand, other: CaseCommand, order: str
) -> Outcome:
    """Return both statuses and the case's state. `order` runs the commands together, one before the other, or only
    one."""
    it = Situation(story, keys, state_for(one, other), "link" in (*one.needs, *other.needs))
    await it.needs(["case", *one.needs, *other.needs])
    answers: list[Response | None]
    if order == "together":
        answers = [*await asyncio.gather(one.ask(it), other.ask(it))]
    elif order == "first":
        answers = [await one.ask(it), await other.ask(it)]
    elif order == "second":
        answers = [await other.ask(it), await one.ask(it)][::-1]
    else:
        answers = (
            [await one.ask(it), None] if order == "only first" else [None, await other.ask(it)]
        )
    statuses = (_status(answers[0]), _status(answers[1]))
    for command, answer in zip((one, other), answers, strict=True):
        told = "" if answer is None else answer.text
        assert _status(answer) in {None, 200, 201, 204, *REFUSED}, (command.name, told)
    state = await _state(story, it["case"])
    left_over = {
        what: [str(tuple(row)) for row in found]
        for what, statement in _HALF_DONE.items()
        if (found := await story.rows(statement, c=it["case"]))
    }
    assert left_over == {}, (one.name, other.name, order)
    # Leftovers must not affect the next round.
    await story.rows("DELETE FROM timers t USING referrals r WHERE r.id = t.referral_id AND hold_case(r.case_id, true) RETURNING 1")  # fmt: skip
    return statuses, state


async def _deadlocks(story: Story) -> int:
    rows = await story.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(rows[0].deadlocks)


async def _either(
    story: Story, keys: CaseKeys, one: CaseCommand, other: CaseCommand
) -> list[Outcome]:
    """Return the results of both orders, and of one command alone if the other yields to it."""
    orders = ["first", "second"]
    orders += ["only first"] * other.yields + ["only second"] * one.yields
    return [await _play(story, keys, one, other, order) for order in orders]


def _differences(found: Outcome, either: list[Outcome]) -> str:
    """Return the differences from both orders."""
    return "; ".join(
        f"{statuses}: "
        + str({n: (found[1][n], rows) for n, rows in state.items() if found[1][n] != rows})
        for statuses, state in either
    )


async def _race(
    story: Story, keys: CaseKeys, one: CaseCommand, other: CaseCommand, either: list[Outcome]
) -> None:
    found = await _play(story, keys, one, other, "together")
    if found not in either:
        pytest.fail(f"{one.name}, {other.name}: {found[0]}; {_differences(found, either)}")
    for command, status in zip((one, other), found[0], strict=True):
        if command.name in WITHDRAWALS:
            before = {statuses[(one, other).index(command)] for statuses, _ in either}
            assert status == 200 or status in before - {409, 422}, command.name


def test_every_command_about_a_case_is_raced() -> None:
    """The write routes that are not listed concern no case, or only parts of one."""
    written = {
        f"{method} {getattr(route, 'path', '').removeprefix('/referrals/v1')}"
        for router in ROUTERS
        for route in router.routes
        for method in getattr(route, "methods", None) or ()
        if method in {"POST", "PUT", "PATCH", "DELETE"}
    }
    raced = {_shape(command.route) for command in COMMANDS if command.route}
    other = {
        route
        for route in written
        if _shape(route) not in raced
        and not route.startswith(
            (
                "POST /cases/{case_id}/referrals",  # The same steps, under the case's path.
                "POST /fhir",  # The same commands in FHIR.
                "PUT /fhir/",
                "POST /bulk",
                "POST /line",
                "PUT /line/",
                "POST /intake",
                "PUT /intake",
            )
        )
    }
    assert (
        other
        == {
            "POST /cases",
            "POST /cases/search",
            "POST /cases/{case_id}/attachments",  # Writes an entry as POST …/entries does.
            "POST /cases/{case_id}/reopen",  # Needs a closed case, on which the other commands are refused.
            "POST /referrals/{referral_id}/attachments",  # Always refused.
            "POST /screenings/{screening_id}/erase",  # About no case.
            "POST /instruments",
            "POST /instruments/{instrument_id}/retire",
            "POST /trainings",
            "PUT /trainings/{training_id}",
            "POST /certificates",
            "POST /certificates/{certificate_id}/revoke",
            "POST /timers/overdue/organisations/{organisation_id}/calls",
            "PUT /timers/policies/{aor}/{urgency}/{clock_name}",
            "POST /protocols",
            "POST /protocols/{protocol_id}/end",
            "PUT /services/{service_id}/team",
            "POST /channels",
            "POST /channels/bounces",
            "POST /channels/{channel_id}/code",
            "POST /channels/{channel_id}/confirm",
            "PUT /channels/away",
            "PUT /channels/{channel_id}/wishes",
            "DELETE /channels/{channel_id}",
            "POST /on-call",
            "DELETE /on-call/{shift_id}",
            "POST /webhooks",
            "DELETE /webhooks/{webhook_id}",
            "POST /webhooks/{webhook_id}/rotate-secret",
            "POST /webhooks/{webhook_id}/enable",
            "POST /webhooks/{webhook_id}/ping",
            "POST /webhooks/{webhook_id}/replay",
            "PUT /internal/people",
        }
    )


def _shape(route: str) -> str:
    """Return the path without its parameter names."""
    return "/".join("{}" if part.startswith("{") else part for part in route.split("/"))


@pytest.mark.slow
async def test_every_command_succeeds_where_nothing_is_in_its_way(
    story: Story, case_keys: CaseKeys
) -> None:
    refused = {}
    for command in COMMANDS:
        it = Situation(story, case_keys, state_for(command, command))
        await it.needs(["case", *command.needs])
        answer = await command.ask(it)
        if _status(answer) not in {None, 200, 201, 204}:
            refused[command.name] = answer and answer.text
    assert refused == {}


async def test_without_the_lock_a_command_is_caught(
    story: Story, case_keys: CaseKeys, postgres: PostgresServer
) -> None:
    """The guard rejects a write about a case without the lock."""

    def sql(script: str) -> str:
        return postgres.psql(script, database=_NAME)

    kept = await asyncio.to_thread(
        sql, "SELECT pg_get_functiondef('hold_case(uuid, boolean)'::regprocedure)"
    )
    it = Situation(story, case_keys, ReferralState.SENT)
    await it.needs(["referral"])
    accept = next(command for command in COMMANDS if command.name == "accept")
    holds_nothing = (
        "CREATE OR REPLACE FUNCTION hold_case(case_id uuid, wait boolean) RETURNS boolean"
        " LANGUAGE sql VOLATILE AS 'SELECT true'"
    )
    await asyncio.to_thread(sql, holds_nothing)
    try:
        assert _status(await accept.ask(it)) == 500
    finally:
        await asyncio.to_thread(sql, kept)
    assert _status(await accept.ask(it)) == 200


@pytest.mark.slow
async def test_one_after_the_other_is_what_every_race_comes_to(
    story: Story, case_keys: CaseKeys, request: pytest.FixtureRequest
) -> None:
    before = await _deadlocks(story)
    every = 1 if ROUNDS else SOME if request.config.getoption("--drills") else FEW
    either: dict[tuple[str, str], list[Outcome]] = {}
    pairs = PAIRS[::every]
    if ROUNDS:  # Even a short run covers varied commands.
        random.Random(ROUNDS).shuffle(pairs)  # noqa: S311 - an order, no secret
    failures, played = [], 0
    said = request.config.get_terminal_writer()
    for number in range(ROUNDS or 1):  # Run each pair once before repeating any.
        for one, other in pairs:
            pair = (one.name, other.name)
            try:
                if pair not in either:
                    either[pair] = await _either(story, case_keys, one, other)
                await _race(story, case_keys, one, other, either[pair])
            except (AssertionError, pytest.fail.Exception) as failure:
                failures.append((number, pair, str(failure)))
                said.line(str(failures[-1]))
            played += 1
            if ROUNDS and played % 100 == 0:
                said.line(f"{played} races of {ROUNDS * len(PAIRS)}, {len(failures)} failures")
    assert failures == []
    await asyncio.sleep(1.1)  # PostgreSQL updates its statistics once a second.
    assert await _deadlocks(story) == before


@pytest.mark.slow
async def test_an_ended_case_leaves_nothing_half_done(story: Story, case_keys: CaseKeys) -> None:
    """When a case ends, its pending decisions, plans and usable links end too."""
    named = {command.name: command for command in COMMANDS}
    for ending in ("close", "erase"):
        for name in (
            *("send", "draft", "decide a consent", "decide an exception", "offer the case"),
            *("decide on breaking the glass", "plan a review", "plan", "agree to a match"),
            "the person comes of age",
        ):
            await _play(story, case_keys, named[name], named[ending], "first")
            await _play(story, case_keys, named[name], named[ending], "second")


@pytest.mark.slow
async def test_a_withdrawal_never_loses_to_whoever_is_marked_accepts_or_sends(
    story: Story, case_keys: CaseKeys
) -> None:
    named: dict[str, Any] = {command.name: command for command in COMMANDS}
    for withdrawal in ("withdraw", "withdraw a consent", "withdraw by code"):
        for name in ("implicate", "accept", "send", "the timers fire", "decide a consent"):
            pair = named[withdrawal], named[name]
            either = await _either(story, case_keys, *pair)
            for _ in range(ROUNDS or 1):
                await _race(story, case_keys, *pair, either)


@pytest.mark.slow
async def test_what_is_sent_while_its_service_stops_is_flagged_or_refused(
    story: Story, case_keys: CaseKeys
) -> None:
    """A referral that misses the flag never gets one, because the directory announces a suspension only once."""
    by_name = {command.name: command for command in COMMANDS}
    stop = by_name["the directory suspends the service"]
    for send in (by_name["send"], by_name["send under an exception"]):
        either = await _either(story, case_keys, send, stop)
        for _ in range(20):
            await _race(story, case_keys, send, stop, either)
