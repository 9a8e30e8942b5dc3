"""Reads from five years of data: 1,000,000 referrals (or 10,000,000) with their audit.
The benchmark compares them with 10,000 referrals.

    python benchmarks/years.py [--rows 1000000] [--rounds 200] [--data DIR] [--fill-only]

ratio = median time with many referrals / the same with 10,000, with one client at the service, both measured in turn in
the same run. Goal: at most 1.3 for each of these: pages of a recipient's queue, its counts (which end at a number,
`counted_to`), the feed, the audit of an organisation and of an auditor, and the timeline of a case. The referrals
belong to some 400 organisations, a few of which receive most; one in ten is ours. Most of the last 60 days are open. Of
the older ones only one in a hundred is open, and overdue. Each has an audit entry. Those of the last half year have
notices (older notices expire, see docs/database.md). A hundred of our cases have forty entries each.
"""

import argparse
import asyncio
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
# A file next to this one has a package's name, so search for packages only in the environment.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

import sqlalchemy as sa  # noqa: E402 - after the path
from common.db.session import Database  # noqa: E402 - after the path
from common.paging import encode_cursor  # noqa: E402 - after the path
from referrals.ground.keys.store import create_tables  # noqa: E402 - after the path
from stack.embedded.postgres import PostgresServer, ServiceDatabase  # noqa: E402 - after the path

from benchmarks.referrals import AS_SERVICE, Client, referrals  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.principals import bearer, organisation  # noqa: E402 - after the path

FEW = 10_000
CHUNK = 50_000
SERVICES_PER_ORGANISATION = 12
OWN = organisation(2)
# The statements below create the services; this one has no team.
OUR_SERVICE = UUID(hashlib.md5(f"{OWN}5".encode(), usedforsecurity=False).hexdigest())
INBOX = "/referrals/v1/referrals/inbox"
TO_DECIDE = "state=sent&state=acknowledged&state=waitlisted"
# The measurement does not use these rows, so all referrals share the same two.
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
# `h` distributes the values: a number always gives the same referral, except for the end of its random id.
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
    SELECT now() - interval '5 years' * (1 - i::float / :rows) AS at,
        CASE WHEN h % 10 = 0 THEN CAST(:own AS uuid)
            ELSE md5('to' || floor(400 * pow(h / 10 % 1000 / 1000.0, 2)))::uuid END AS recipient,
        CASE WHEN h / 3 % 100 < 4 THEN 'emergency' WHEN h / 3 % 100 < 30 THEN 'urgent'
            ELSE 'routine' END AS urgency,
        CASE WHEN h / 3 % 100 < 30 THEN interval '1 day' ELSE interval '3 days' END AS window,
        (CASE WHEN i > :rows * 0.967  -- the last 60 days
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
# Two of our services have a team, and the calling client belongs to one of them.
TEAMS = """
INSERT INTO service_team (service_id, organisation_id, client)
SELECT md5(CAST(:own AS text) || n)::uuid, CAST(:own AS uuid), client
FROM (VALUES (0, 'ngo-salud'), (1, 'somebody-else')) AS members (n, client)
"""

AUDIT = """
INSERT INTO audit_entries (chain, sequence, id, at, organisation_id, client, action, target_type,
    target_id, detail, previous, hash)
SELECT md5(id::text)::uuid, 1, uuidv7(changed_at - clock_timestamp()), changed_at, to_organisation,
    CASE WHEN to_organisation = CAST(:own AS uuid) THEN 'ngo-salud' ELSE 'somebody' END,
    'referral.accepted', 'referral', id, '{"version": 2}', '', sha256(id::text::bytea)
FROM referrals
"""
NOTICES = """
INSERT INTO notices (id, position, organisation_id, kind, subject_type, subject_id, version, at,
    fanned_out_at)
SELECT uuidv7(changed_at - clock_timestamp()),
    (10 + 500 * row_number() OVER (ORDER BY id) / count(*) OVER ())::text::xid8, to_organisation,
    'referral.sent', 'referral', id, 2, changed_at, changed_at
FROM referrals WHERE changed_at > now() - interval '180 days'
"""
CASES = """
INSERT INTO cases (id, organisation_id, reference, version, status, country, minor, caregiver,
    created_at, created_by, changed_at)
SELECT md5('case' || i)::uuid, CAST(:own AS uuid), 'YEARS-' || i, 1, 'open', 'VE', false, 'unknown',
    now(), 'ngo-salud', now()
FROM generate_series(1, 100) i
"""
OF_CASES = """
INSERT INTO audit_entries (chain, sequence, id, at, organisation_id, client, action, target_type,
    target_id, detail, previous, hash)
SELECT c.id, i, uuidv7(made.at - clock_timestamp()), made.at, c.organisation_id, 'ngo-salud',
    'case.changed', 'case', c.id, '{}', '', sha256(c.id::text::bytea)
FROM cases c, generate_series(1, 40) i, LATERAL (SELECT now() - interval '1 day' * i AS at) AS made
WHERE c.reference LIKE 'YEARS-%'
"""


async def fill(owner: Database, rows: int) -> None:
    """Write `rows` referrals unless they already exist."""
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
    async with (
        owner.transaction() as session
    ):  # This comes last, because it marks the data as complete.
        await session.execute(sa.text(AS_SERVICE))
        await session.execute(sa.text(TEAMS), {"own": str(OWN)})


async def filled(server: PostgresServer, rows: int) -> ServiceDatabase:
    """Write everything unless it already exists."""
    name = f"years_{rows}"
    database = await MigratedDatabases(server).of("referrals", name)
    start = time.perf_counter()
    if not server.psql("SELECT true FROM cases WHERE reference = 'YEARS-1'", database=name).strip():
        owner = Database.at(database.owner_url)
        try:
            await fill(owner, rows)
        finally:
            await owner.close()
        # Compute the chain here, because a link per row would take hours.
        own = f"'{OWN}'"
        for statement in (
            "ALTER TABLE audit_entries DISABLE TRIGGER audit_link",
            *(each.replace(":own", own) for each in (AUDIT, NOTICES, CASES, OF_CASES)),
            "ALTER TABLE audit_entries ENABLE TRIGGER audit_link",
            "VACUUM ANALYZE",
        ):
            server.psql(statement, database=name)
    size = server.psql(
        "SELECT pg_size_pretty(pg_database_size(current_database()))", database=name
    ).strip()
    print(f"{rows:,} referrals, {size}, ready in {time.perf_counter() - start:.0f} s", flush=True)
    return database


def paths(client: Client) -> dict[str, str]:
    """Return each way to read a queue; the last one counts it."""
    first = client.get(INBOX)
    second = client.get(f"{INBOX}?cursor={first['next_cursor']}")
    return {
        "newest": INBOX,
        "third page": f"{INBOX}?cursor={second['next_cursor']}",
        "one state": f"{INBOX}?state=sent&limit=5",
        "two states": f"{INBOX}?state=accepted&state=in_service&limit=5",
        "one service": f"{INBOX}?service_id={OUR_SERVICE}&limit=20",
        "overdue": f"{INBOX}?overdue=true&limit=5",
        "by deadline": f"{INBOX}?{TO_DECIDE}&order=deadline&limit=5",
        "counts": f"{INBOX}/counts",
    }


def questions(client: Client, server: PostgresServer, rows: int) -> dict[str, Callable[[], Any]]:
    """Return every paged query whose data grows over the years."""
    case = server.psql("SELECT id FROM cases WHERE reference = 'YEARS-50'",
                       database=f"years_{rows}").strip()  # fmt: skip
    last = server.psql(
        f"SELECT position, id FROM notices WHERE organisation_id = '{OWN}'"  # noqa: S608 - own text
        " ORDER BY position DESC, id DESC OFFSET 20 LIMIT 1", database=f"years_{rows}",
    )  # fmt: skip
    late = encode_cursor(*(each.strip() for each in last.split("|")))
    audit, feed = "/referrals/v1/audit", "/referrals/v1/feed"
    asked: dict[str, Callable[[], Any]] = {
        name: partial(client.get, path) for name, path in paths(client).items()
    }
    asked |= {
        "feed, the beginning": partial(client.get, f"{feed}?limit=20"),
        "feed, the end": partial(client.get, f"{feed}?limit=20&cursor={late}"),
        "audit, own": partial(client.get, f"{audit}?limit=20"),
        "audit, own, one action": partial(client.get, f"{audit}?limit=20&action=case.changed"),
        "audit, one case": partial(client.get, f"{audit}?case_id={case}&limit=20"),
        "timeline of a case": partial(client.get, f"/referrals/v1/cases/{case}/timeline?limit=40"),
    }
    auditor = bearer("auditor", audience="ruta-referrals")
    org = f"organisation_id={OWN}&limit=20"
    for name, path in (
        ("auditor, all", f"{audit}?limit=20"),
        ("auditor, one organisation", f"{audit}?{org}"),
        ("auditor, one case", f"{audit}?case_id={case}&limit=20"),
    ):
        asked[name] = partial(client.get, path, auditor)
    return asked


def compare(asked: list[dict[str, Callable[[], Any]]], rounds: int) -> None:
    worst = 0.0
    for name in asked[0]:
        sizes = [_length(each[name]()) for each in asked]
        # The feed omits events that its reader may not see.
        assert (min(sizes) and max(sizes) < 1.5 * min(sizes)) or name == "counts", (
            f"{name}: {sizes}"
        )
        times: tuple[list[float], list[float]] = ([], [])
        for at in range(rounds + 20):
            for number, each in enumerate(asked):
                start = time.perf_counter()
                each[name]()
                if at >= 20:
                    times[number].append(time.perf_counter() - start)
        small, large = (statistics.median(each) * 1000 for each in times)
        worst = max(worst, large / small)
        print(f"{name} ({sizes[0]}): {small:.2f} ms, {large:.2f} ms; ratio {large / small:.2f}")
    print(f"worst ratio {worst:.2f} (goal 1.3 at most)")


def _length(answer: Any) -> int:
    return len(answer if isinstance(answer, list) else answer.get("items", []))


async def measure(folder: Path, rows: int, rounds: int, fill_only: bool) -> None:
    server = PostgresServer(folder / "postgres", durable=True)
    server.start()
    try:
        counts = (FEW, rows)
        databases = [await filled(server, count) for count in counts]
        if fill_only:
            return
        keys = server.create_service_database("referral_keys")
        await create_tables(keys.owner_url, keys.app_role)
        with ExitStack() as running, tempfile.TemporaryDirectory() as made:
            clients = [
                Client(running.enter_context(referrals(database, keys, Path(made))))
                for database in databases
            ]
            compare(
                [questions(one, server, n) for one, n in zip(clients, counts, strict=True)], rounds
            )
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--data", type=Path, help="where the rows are kept for the next run")
    parser.add_argument("--fill-only", action="store_true", help="write the rows, measure nothing")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ruta-bench-") as temporary:
        folder = chosen.data or Path(temporary)
        asyncio.run(measure(folder, chosen.rows, chosen.rounds, chosen.fill_only))


if __name__ == "__main__":
    main()
