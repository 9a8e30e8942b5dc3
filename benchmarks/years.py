"""What is read of five years, 1,000,000 referrals (or 10,000,000) with their audit, against 10,000.

    python benchmarks/years.py [--rows 1000000] [--rounds 200] [--data DIR] [--fill-only]

ratio = median time with many referrals / the same with 10,000, one client at the service, the two
asked by turns in the same run. Goal: at most 1.3 for each: pages of a queue, the feed, the audit of an
organisation and of an auditor, the timeline of a case. The referrals are those of `inbox.py`, over
five years instead of two; each has an entry in the audit, those of the last half year have notices (older
ones end, see docs/database.md), and a hundred of our cases have forty entries each.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# A file beside this one has the name of a package: look for packages in the environment only.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

from common.db.session import Database  # noqa: E402 - after the path
from common.paging import encode_cursor  # noqa: E402 - after the path
from referrals.ground.keys.store import create_tables  # noqa: E402 - after the path
from stack.embedded.postgres import PostgresServer, ServiceDatabase  # noqa: E402 - after the path

from benchmarks import inbox  # noqa: E402 - after the path
from benchmarks.referrals import Client, referrals  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.principals import bearer  # noqa: E402 - after the path

YEARS, OPEN_DAYS = 5, 60
REFERRALS = inbox.REFERRALS.replace("'2 years'", f"'{YEARS} years'").replace(
    "0.918", f"{1 - OPEN_DAYS / (YEARS * 365):.3f}"
)
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


async def filled(server: PostgresServer, rows: int) -> ServiceDatabase:
    """Write all of it unless it is there already."""
    name = f"years_{rows}"
    database = await MigratedDatabases(server).of("referrals", name)
    start = time.perf_counter()
    if not server.psql("SELECT true FROM cases WHERE reference = 'YEARS-1'", database=name).strip():
        inbox.REFERRALS = REFERRALS
        owner = Database.at(database.owner_url)
        try:
            await inbox.fill(owner, rows)
        finally:
            await owner.close()
        # The chain is made by hand: a link for each row would take hours.
        own = f"'{inbox.OWN}'"
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


def questions(client: Client, server: PostgresServer, rows: int) -> dict[str, Callable[[], Any]]:
    """Everything that grows with the years and is read by pages."""
    case = server.psql("SELECT id FROM cases WHERE reference = 'YEARS-50'",
                       database=f"years_{rows}").strip()  # fmt: skip
    last = server.psql(
        f"SELECT position, id FROM notices WHERE organisation_id = '{inbox.OWN}'"  # noqa: S608 - own text
        " ORDER BY position DESC, id DESC OFFSET 20 LIMIT 1", database=f"years_{rows}",
    )  # fmt: skip
    late = encode_cursor(*(each.strip() for each in last.split("|")))
    audit, feed = "/referrals/v1/audit", "/referrals/v1/feed"
    # Of 10,000 in five years fewer are open than of 10,000 in two.
    asked: dict[str, Callable[[], Any]] = {
        name: partial(client.get, path.replace("limit=10", "limit=5"))
        for name, path in inbox.paths(client).items()
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
    org = f"organisation_id={inbox.OWN}&limit=20"
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
        # What a page of the feed may not show, it leaves out.
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
        counts = (inbox.FEW, rows)
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


if __name__ == "__main__":
    inbox.run(__doc__, measure)
