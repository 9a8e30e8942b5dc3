"""A page of a recipient's queue where 1,000,000 referrals are, against 10,000.

    python benchmarks/inbox.py [--rows 1000000] [--rounds 200] [--data DIR] [--fill-only]

ratio = median time of a page with many referrals / the same page with 10,000, one client at the
service, the two asked by turns in the same run; every page is as full in both. Goal: at most 1.3 for each.
The referrals are those of two years of some 400 organisations, a few of which receive most: one in
ten is ours; most of the last 60 days are open, of what is older only one in a hundred, overdue.
Counting a queue is held to the same goal: it ends at a number (`counted_to`).
"""

import argparse
import asyncio
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
# A file beside this one has the name of a package: look for packages in the environment only.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

import sqlalchemy as sa  # noqa: E402 - after the path
from common.db.session import Database  # noqa: E402 - after the path
from referrals.ground.keys.store import create_tables  # noqa: E402 - after the path
from stack.embedded.postgres import PostgresServer, ServiceDatabase  # noqa: E402 - after the path

from benchmarks.referrals import AS_SERVICE, Client, referrals  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.principals import organisation  # noqa: E402 - after the path

FEW = 10_000
CHUNK = 50_000
SERVICES_PER_ORGANISATION = 12
OWN = organisation(2)
# As the statements below name services; this one has no team.
OUR_SERVICE = UUID(hashlib.md5(f"{OWN}5".encode(), usedforsecurity=False).hexdigest())
INBOX = "/referrals/v1/referrals/inbox"
TO_DECIDE = "state=sent&state=acknowledged&state=waitlisted"
# Without a role of their own in what is measured: every referral hangs on the same two.
CASE_AND_GRANT = """
WITH one AS (
    INSERT INTO cases (id, organisation_id, reference, version, status, country, minor, caregiver,
        created_at, created_by, changed_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'BENCH', 1, 'open', 'VE', false, 'unknown',
        now(), 'bench', now())
    RETURNING id, organisation_id
)
INSERT INTO grants (id, case_id, organisation_id, kind, items, decided_by, language, method,
    given_at, version, status, requested_by, created_at)
SELECT gen_random_uuid(), id, organisation_id, 'referral', '{}', 'person', 'spa', 'verbal', now(),
    1, 'active', 'bench', now() FROM one
"""
# `h` scatters: the same number always makes the same referral, but for its random id's tail.
REFERRALS = """
INSERT INTO referrals (id, case_id, from_organisation, to_organisation, service_id, category, aor,
    urgency, state, version, area, grant_id, acknowledge_by, decide_by, expected_on, late,
    created_at, created_by, sent_at, changed_at)
SELECT uuidv7(made.at - clock_timestamp()), g.case_id, md5('from' || h % 397)::uuid, made.recipient,
    md5(made.recipient::text || h / 7 % :services)::uuid,
    (ARRAY['HLT', 'GBV-PSS', 'GP-DOC', 'CP-CM', 'MH'])[1 + h % 5], 'MULTI', made.urgency,
    made.state, 2, 'VE23', g.id, made.at + made.window, made.at + 3 * made.window,
    CASE made.state WHEN 'waitlisted' THEN made.at::date + 30 END, h % 6 = 0,
    made.at, 'bench', CASE made.state WHEN 'draft' THEN NULL ELSE made.at END, made.at
FROM generate_series(:first + 1, :last) i,
LATERAL (SELECT abs(hashint4extended(i::int, 7) % 1000000007) AS h) AS scattered,
LATERAL (
    SELECT now() - interval '2 years' * (1 - i::float / :rows) AS at,
        CASE WHEN h % 10 = 0 THEN CAST(:own AS uuid)
            ELSE md5('to' || floor(400 * pow(h / 10 % 1000 / 1000.0, 2)))::uuid END AS recipient,
        CASE WHEN h / 3 % 100 < 4 THEN 'emergency' WHEN h / 3 % 100 < 30 THEN 'urgent'
            ELSE 'routine' END AS urgency,
        CASE WHEN h / 3 % 100 < 30 THEN interval '1 day' ELSE interval '3 days' END AS window,
        (CASE WHEN i > :rows * 0.918  -- the last 60 days
            THEN ARRAY['draft', 'sent', 'sent', 'sent', 'acknowledged', 'waitlisted', 'accepted',
                'accepted', 'scheduled', 'in_service', 'in_service', 'on_hold', 'completed',
                'completed', 'completed', 'not_delivered', 'declined', 'declined', 'recalled',
                'withdrawn']
            WHEN h / 11 % 100 = 99 THEN array_fill('sent'::text, ARRAY[20])
            ELSE ARRAY['completed', 'completed', 'completed', 'completed', 'completed',
                'completed', 'completed', 'completed', 'completed', 'not_delivered',
                'not_delivered', 'not_delivered', 'declined', 'declined', 'declined', 'declined',
                'expired', 'recalled', 'recalled', 'withdrawn'] END)[1 + h / 11 % 20] AS state
) AS made,
(SELECT id, case_id FROM grants LIMIT 1) AS g
"""
# Two of our services have a team: of one the asking client is a member, of the other it is not.
TEAMS = """
INSERT INTO service_team (service_id, organisation_id, client)
SELECT md5(CAST(:own AS text) || n)::uuid, CAST(:own AS uuid), client
FROM (VALUES (0, 'ngo-salud'), (1, 'somebody-else')) AS members (n, client)
"""


async def fill(owner: Database, rows: int) -> None:
    """Write `rows` referrals unless they are there already."""
    async with owner.transaction() as session:
        await session.execute(sa.text(AS_SERVICE))
        if await session.scalar(sa.text("SELECT true FROM service_team LIMIT 1")):
            return
        await session.execute(sa.text(CASE_AND_GRANT))
    for first in range(0, rows, CHUNK):
        async with owner.transaction() as session:
            await session.execute(sa.text(AS_SERVICE))
            await session.execute(
                sa.text(REFERRALS),
                {
                    "first": first, "last": min(first + CHUNK, rows), "rows": rows,
                    "own": OWN, "services": SERVICES_PER_ORGANISATION,
                },
            )  # fmt: skip
    async with owner.engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(sa.text("VACUUM ANALYZE"))
    async with owner.transaction() as session:  # last: it tells that all are there
        await session.execute(sa.text(AS_SERVICE))
        await session.execute(sa.text(TEAMS), {"own": str(OWN)})


async def filled(server: PostgresServer, name: str, rows: int) -> ServiceDatabase:
    database = await MigratedDatabases(server).of("referrals", name)
    owner = Database.at(database.owner_url)
    try:
        await fill(owner, rows)
    finally:
        await owner.close()
    return database


def paths(client: Client) -> dict[str, str]:
    """Every way that a queue is read; the last one counts it."""
    first = client.get(INBOX)
    second = client.get(f"{INBOX}?cursor={first['next_cursor']}")
    return {
        "newest": INBOX,
        "third page": f"{INBOX}?cursor={second['next_cursor']}",
        "one state": f"{INBOX}?state=sent&limit=10",
        "two states": f"{INBOX}?state=accepted&state=in_service&limit=10",
        "one service": f"{INBOX}?service_id={OUR_SERVICE}&limit=20",
        "overdue": f"{INBOX}?overdue=true&limit=10",
        "by deadline": f"{INBOX}?{TO_DECIDE}&order=deadline&limit=10",
        "counts": f"{INBOX}/counts",
    }


def pages(client: Client) -> dict[str, Callable[[], dict[str, Any]]]:
    return {name: partial(client.get, path) for name, path in paths(client).items()}


def compare(few: Client, many: Client, rounds: int) -> None:
    asked = [pages(client) for client in (few, many)]
    worst = 0.0
    for name in asked[0]:
        sizes = [len(one[name]().get("items", [])) for one in asked]
        assert sizes[0] == sizes[1], f"{name}: {sizes} referrals"
        times: tuple[list[float], list[float]] = ([], [])
        for at in range(rounds + 20):
            for number, one in enumerate(asked):
                start = time.perf_counter()
                one[name]()
                if at >= 20:
                    times[number].append(time.perf_counter() - start)
        small, large = (statistics.median(each) * 1000 for each in times)
        worst = max(worst, large / small)
        print(f"{name}: {small:.2f} ms, {large:.2f} ms; ratio {large / small:.2f}")
    print(f"worst page ratio {worst:.2f} (goal 1.3 at most)")


async def measure(folder: Path, rows: int, rounds: int, fill_only: bool) -> None:
    server = PostgresServer(folder / "postgres", durable=True)
    server.start()
    try:
        databases = [await filled(server, f"inbox_{count}", count) for count in (FEW, rows)]
        if fill_only:
            return
        keys = server.create_service_database("referral_keys")
        await create_tables(keys.owner_url, keys.app_role)
        with ExitStack() as running, tempfile.TemporaryDirectory() as made:
            few, many = [
                Client(running.enter_context(referrals(database, keys, Path(made))))
                for database in databases
            ]
            print(f"pages of a queue with {FEW:,} and with {rows:,} referrals")
            compare(few, many, rounds)
    finally:
        server.stop()


def run(
    described: str | None, measured: Callable[[Path, int, int, bool], Coroutine[Any, Any, None]]
) -> None:
    parser = argparse.ArgumentParser(description=described)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--data", type=Path, help="where the rows are kept for the next run")
    parser.add_argument("--fill-only", action="store_true", help="write the rows, measure nothing")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ruta-bench-") as temporary:
        folder = chosen.data or Path(temporary)
        asyncio.run(measured(folder, chosen.rows, chosen.rounds, chosen.fill_only))


if __name__ == "__main__":
    run(__doc__, measure)
