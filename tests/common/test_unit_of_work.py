"""Each route runs in one transaction that commits before the response. Idempotency keys make repeats harmless."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.http.answers import forget_old_answers
from common.ids import new_id
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from tests.common import sample
from tests.support.principals import bearer, keyed

URL = "/sample/v1/notes"


async def _rows(database: Database, table: sa.Table) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def test_a_command_writes_its_row_its_event_and_its_stored_answer_together(
    api: AsyncClient, database: Database
) -> None:
    answer = await api.post(URL, json={"text": "a"}, headers=keyed({}))
    assert answer.status_code == 201
    assert [await _rows(database, t) for t in (sample.NOTES, sample.TABLES.outbox)] == [1, 1]
    assert await _rows(database, sample.TABLES.stored_results) == 1


async def test_a_commit_that_fails_is_never_answered_with_success(
    api: AsyncClient, database: Database
) -> None:
    """The unique constraint is deferred, so only the commit itself can fail."""
    await api.post(URL, json={"text": "same"}, headers=keyed({}))
    second = await api.post(URL, json={"text": "same"}, headers=keyed({}))
    assert second.status_code == 409
    assert second.json()["code"] == "conflict"
    assert await _rows(database, sample.NOTES) == 1
    assert await _rows(database, sample.TABLES.outbox) == 1


async def test_a_repeat_with_the_same_key_gets_the_first_answer(
    api: AsyncClient, database: Database
) -> None:
    first = await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-1"))
    again = await api.post(URL, json={"text": "a"}, headers=keyed({}, '"k-1"'))
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await _rows(database, sample.NOTES) == 1


async def test_the_same_key_with_another_body_is_refused(api: AsyncClient) -> None:
    await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-2"))
    other = await api.post(URL, json={"text": "b"}, headers=keyed({}, "k-2"))
    assert (other.status_code, other.json().get("code")) == (422, "idempotency_key_reused")


async def test_keys_of_two_clients_do_not_meet(api: AsyncClient, database: Database) -> None:
    await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-3"))
    other = bearer("ngo-salud", audience="ruta-directory")
    answer = await api.post(URL, json={"text": "b"}, headers=keyed(other, "k-3"))
    assert answer.status_code == 201
    assert await _rows(database, sample.NOTES) == 2


async def test_a_missing_or_malformed_key_is_400(api: AsyncClient) -> None:
    missing = await api.post(URL, json={"text": "a"})
    malformed = await api.post(URL, json={"text": "a"}, headers={"Idempotency-Key": 'a"b'})
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    assert (malformed.status_code, malformed.json()["code"]) == (400, "idempotency_key_invalid")


async def test_twenty_repeats_at_once_have_one_effect(api: AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(
        *(api.post(URL, json={"text": "a"}, headers=keyed({}, "k-4")) for _ in range(20))
    )
    statuses = {a.status_code for a in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"idempotency_in_flight"}
    assert await _rows(database, sample.NOTES) == 1


async def _deadlocks(database: Database) -> int:
    await asyncio.sleep(1.1)  # PostgreSQL updates its deadlock count once a second.
    statement = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    async with database.transaction() as session:
        return int(await session.scalar(sa.text(statement)) or 0)


async def test_what_a_deadlock_undid_is_done_again_before_it_is_answered(
    api: AsyncClient, database: Database
) -> None:
    made = [await api.post(URL, json={"text": t}, headers=keyed({})) for t in ("a", "b")]
    ids = [answer.json()["id"] for answer in made]
    before = await _deadlocks(database)
    answers = await asyncio.gather(
        *(api.post(f"{URL}/grow", json={"notes": o}, headers=keyed({})) for o in (ids, ids[::-1]))
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert sorted(answer.json()["sizes"][0] for answer in answers) == [2, 3]
    assert await _deadlocks(database) > before
    assert await _rows(database, sample.TABLES.stored_results) == 4


async def test_a_worker_s_transaction_is_done_again_too(
    api: AsyncClient, database: Database
) -> None:
    tries = 0

    async def lost_once(session: AsyncSession) -> int:
        nonlocal tries
        tries += 1
        await session.execute(
            sample.NOTES.insert().values(
                id=new_id(), organisation_id=new_id(), text=str(tries), size=1
            )
        )
        if tries == 1:
            await session.execute(sa.text("DO $$BEGIN RAISE SQLSTATE '40001'; END$$"))
        return tries

    assert await database.retried(lost_once) == 2
    assert await _rows(database, sample.NOTES) == 1


async def test_stored_answers_are_sealed(api: AsyncClient, database: Database) -> None:
    first = await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-5"))
    async with database.transaction() as session:
        stored = await session.scalar(sa.select(sample.TABLES.stored_results.c.result))
    assert first.json()["id"].encode() not in bytes(stored or b"")


async def test_an_answer_is_given_again_for_a_day_and_the_command_is_never_done_twice(
    api: AsyncClient, database: Database
) -> None:
    await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-7"))
    with clock.shifted(timedelta(hours=23)):
        assert (
            await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-7"))
        ).status_code == 201
    for swept in (False, True):
        if swept:
            async with database.transaction() as session:
                await forget_old_answers(session, sample.TABLES, clock.now() + timedelta(seconds=1))
        with clock.shifted(timedelta(days=1)):
            late = await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-7"))
        assert (late.status_code, late.json()["code"]) == (410, "answer_gone")
    assert await _rows(database, sample.NOTES) == 1


async def test_the_sweep_leaves_nothing_of_an_old_answer(
    api: AsyncClient, database: Database
) -> None:
    await api.post(URL, json={"text": "a"}, headers=keyed({}, "V-12345678"))
    async with database.transaction() as session:
        assert await forget_old_answers(session, sample.TABLES, clock.now()) == 1
        assert await forget_old_answers(session, sample.TABLES, clock.now()) == 0
        row = (await session.execute(sa.select(sample.TABLES.stored_results))).one()
    assert (row.result, row.fingerprint) == (b"", b"")
    assert "V-12345678" not in str(row)


async def test_a_question_by_post_is_asked_anew(api: AsyncClient, database: Database) -> None:
    first = await api.post(f"{URL}/search", headers=keyed({}, "k-10"))
    await api.post(URL, json={"text": "a"}, headers=keyed({}))
    again = await api.post(f"{URL}/search", headers=keyed({}, "k-10"))
    assert (first.json()["count"], again.json()["count"]) == (0, 1)


async def test_a_replay_needs_the_permission_that_the_command_needs(api: AsyncClient) -> None:
    await api.post(URL, json={"text": "a"}, headers=keyed({}, "k-6"))
    demoted = bearer("ngo-refugio", audience="ruta-directory", scope="directory:read")
    answer = await api.post(URL, json={"text": "a"}, headers=keyed(demoted, "k-6"))
    assert answer.status_code == 403


async def test_postgresql_knows_the_caller_and_forgets_it(api: AsyncClient) -> None:
    own = await api.get(f"{URL}/caller")
    nobody = await api.get(f"{URL}/caller", headers=bearer("anonymous", audience="ruta-directory"))
    assert own.json()["organisation"].endswith("0001")
    assert nobody.json()["organisation"] == ""
