"""Referrals: the cost of create + consent + draft + send.
The benchmark uses one client.

    python benchmarks/referrals.py [--rounds 200]

efficiency = (pgbench writing the same rows in the same number of commits + the same number of bare ASGI responses) /
our time, as medians, measured in turn. Floor: 0.45 in four requests; a batch (`bulk`) is printed too. The rows are read
back from one real round and written again with new ids, through the same triggers and row security.
"""

import argparse
import asyncio
import base64
import hashlib
import http.client
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# This file has the name of the measured package, so search for the package only in the environment.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

import sqlalchemy as sa  # noqa: E402 - after the path
from common.db.session import Database  # noqa: E402 - after the path
from common.ids import new_id  # noqa: E402 - after the path
from referrals.ground.keys.store import create_tables  # noqa: E402 - after the path
from stack.embedded.ports import free_port  # noqa: E402 - after the path
from stack.embedded.postgres import (  # noqa: E402 - after the path
    PostgresServer,
    ServiceDatabase,
    binaries,
)

from tests.support.alone import bare, process  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.principals import (  # noqa: E402 - after the path
    bearer,
    keyed,
    organisation,
    write_internal_jwks,
)

TURNS = 10
AS_SERVICE = "SELECT set_config('ruta.as_service', 'on', true)"
SERVICE_ID = new_id()
CASE: dict[str, Any] = {"identity": {"name": "Ana Pérez", "age": 30}, "area": "VE2313"}
CONSENT: dict[str, Any] = {
    "service_id": str(SERVICE_ID), "purpose": "HLT", "items": ["name", "situation"],
    "method": "verbal",
}  # fmt: skip
DRAFT: dict[str, Any] = {
    "service_id": str(SERVICE_ID), "category": "HLT", "payload": {"situation": "x"},
    "from_case": ["name"], "safe_contact": {"rule": "person_comes"},
}  # fmt: skip
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
# The rows that each of the four requests writes, in commit order.
WRITES: list[list[tuple[str, str]]] = [
    [
        ("cases", "true"),
        ("case_lookups", "true"),
        ("outbox", "type LIKE '%case.registered%'"),
        ("audit_entries", "action = 'case.registered'"),
        ("stored_results", "route LIKE '%/cases'"),
    ],
    [
        ("grants", "true"),
        ("outbox", "type LIKE '%grant.given%'"),
        ("audit_entries", "action = 'consent.recorded'"),
        ("stored_results", "route LIKE '%/consents'"),
    ],
    [
        ("referrals", "true"),
        ("referral_steps", "command = 'draft'"),
        ("audit_entries", "action = 'referral.draft'"),
        ("stored_results", "route LIKE '%/referrals'"),
    ],
    [
        ("snapshots", "true"),
        ("referral_steps", "command = 'send'"),
        ("outbox", "type LIKE '%referral.sent%'"),
        ("notices", "true"),
        ("timers", "true"),
        ("audit_entries", "action = 'referral.sent'"),
        ("stored_results", "route LIKE '%/send'"),
    ],
]
MADE_BY_DATABASE = {"audit_entries": {"sequence", "previous", "hash"}, "notices": {"position"}}


def _key(name: str) -> str:
    """Return the same key in each run, because a service refuses rows written with other keys."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


@contextmanager
def referrals(database: ServiceDatabase, keys: ServiceDatabase, folder: Path) -> Iterator[int]:
    """Run the referrals service as its own process; return its port."""
    port = free_port()
    ring = folder / "kek.json"
    ring.write_text(json.dumps({"active": "k1", "keys": {"k1": _key("kek")}}))
    environment = {
        "RUTA_ENVIRONMENT": "embedded", "RUTA_HOST": "127.0.0.1", "RUTA_PORT": str(port),
        "RUTA_DATABASE_URL": database.app_url, "RUTA_DATABASE_ROLE": database.app_role,
        "RUTA_NATS_URL": "nats://127.0.0.1:1", "RUTA_NATS_PASSWORD": "no-broker-in-this-benchmark",
        "RUTA_STORED_RESULT_KEY": _key("results"), "RUTA_LOG_LEVEL": "WARNING",
        "RUTA_INTERNAL_JWKS_FILE": str(write_internal_jwks(folder / "jwks.json")),
        "RUTA_KEY_STORE_URL": keys.app_url, "RUTA_KEY_ENCRYPTION_KEYS_FILE": str(ring),
        "RUTA_BLIND_INDEX_KEY": _key("index"),
    }  # fmt: skip
    with process([sys.executable, "-m", "referrals", "api"], environment, port):
        yield port


class Client:
    """One connection, on which every call checks its status."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._referrer = bearer("ngo-refugio", audience="ruta-referrals")
        self._recipient = bearer("ngo-salud", audience="ruta-referrals")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {**keyed(self._referrer), "Content-Type": "application/json"}
        self._connection.request("POST", f"/referrals/v1{path}", json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 201), content
        made: dict[str, Any] = json.loads(content)
        return made

    def get(self, path: str, caller: dict[str, str] | None = None) -> dict[str, Any]:
        """Read as the recipient, or as another caller if the headers say so."""
        self._connection.request("GET", path, headers=caller or self._recipient)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        found: dict[str, Any] = json.loads(content)
        return found

    def reconnect(self) -> None:
        self._connection.close()
        self.get("/referrals/v1/referrals/inbox?limit=1")

    def story(self) -> float:
        """Create a case, record the consent, draft and send. Return the seconds of the four requests."""
        start = time.perf_counter()
        case = self.post("/cases", CASE)
        consent = self.post("/consents", {"case_id": case["id"], **CONSENT})
        draft = self.post("/referrals", {"case_id": case["id"], **DRAFT})
        self.post(f"/referrals/{draft['id']}/send", {"grant_id": consent["id"]})
        return time.perf_counter() - start

    def batch(self, together: bool) -> float:
        """Send the same commands in one request, either each on its own, or all or none."""
        unique = new_id().hex
        case, consent, draft, send = (f"{name}-{unique}" for name in ("c", "g", "r", "s"))
        commands = [
            (case, "/cases", CASE),
            (consent, "/consents", {"case_id": f"${{{case}.id}}", **CONSENT}),
            (draft, "/referrals", {"case_id": f"${{{case}.id}}", **DRAFT}),
            (send, f"/referrals/${{{draft}.id}}/send", {"grant_id": f"${{{consent}.id}}"}),
        ]
        start = time.perf_counter()
        done = self.post(
            "/bulk",
            {
                "commands": [
                    {"key": key, "path": f"/referrals/v1{path}", "body": body}
                    for key, path, body in commands
                ],
                "together": together,
            },
        )
        taken = time.perf_counter() - start
        assert [one["status"] for one in done["results"]] == [201, 201, 201, 200], done
        return taken


async def announce(owner: Database) -> None:
    async with owner.transaction() as session:
        await session.execute(
            sa.text(
                "INSERT INTO directory_services VALUES (:id, :org, 1, '{HLT}', '{}', '{VE23}',"
                " 'partners', null, null, true, false, null, null, null, '{}', now())"
            ),
            {"id": SERVICE_ID, "org": organisation(2)},
        )


async def script_of(owner: Database, *, together: bool) -> str:
    """Return the story's rows as a pgbench script with new ids each time. It uses the same number of commits, or one
    commit plus that of the key."""
    lines = ["\\set n random(1, 9000000000000000000)"]
    async with owner.transaction() as session:
        await session.execute(sa.text(AS_SERVICE))
        for number, writes in enumerate(WRITES):
            if number == 0:  # The key store's own commit.
                lines.append("INSERT INTO case_keys_yardstick VALUES (gen_random_uuid(), 'k1',"
                             " sha256('x') || sha256('y'), now(), null);")  # fmt: skip
            if number == 0 or not together:
                lines += ["BEGIN;", AS_SERVICE + ";"]
            for table, condition in writes:
                lines += await _inserts(session, table, condition)
            if number == len(WRITES) - 1:
                ids = await session.scalar(sa.text("SELECT id::text FROM referrals"))
                lines.append(
                    "UPDATE referrals SET state = 'sent', version = 2, draft = null,"  # noqa: S608 - a script of our own rows
                    f" changed_at = now() WHERE id = {_fresh(str(ids))};"
                )
            if number == len(WRITES) - 1 or not together:
                lines.append("COMMIT;")
        await session.execute(
            sa.text(
                "CREATE TABLE IF NOT EXISTS case_keys_yardstick (case_id uuid PRIMARY KEY,"
                " key_id text, wrapped bytea, created_at timestamptz, destroyed_at timestamptz)"
            )
        )
    return "\n".join(lines) + "\n"


async def _inserts(session: Any, table: str, condition: str) -> list[str]:
    columns = [
        name
        for name in await session.scalars(
            sa.text(
                "SELECT column_name FROM information_schema.columns WHERE table_name = :table"
                " AND is_generated = 'NEVER' ORDER BY ordinal_position"
            ),
            {"table": table},
        )
        if name not in MADE_BY_DATABASE.get(table, set())
    ]
    shown = ", ".join(f"{name}::text" for name in columns)
    rows = await session.execute(sa.text(f"SELECT {shown} FROM {table} WHERE {condition}"))  # noqa: S608 - our own tables
    return [
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES"  # noqa: S608 - a script of our own rows
        f" ({', '.join(_literal(table, n, v) for n, v in zip(columns, row, strict=True))});"
        for row in rows.all()
    ]


def _literal(table: str, column: str, value: str | None) -> str:
    if value is None:
        return "null"
    if (table, column) in {("stored_results", "key"), ("cases", "reference")}:
        return f"'{value}' || :n"
    if column == "withdrawal_digest":
        return "sha256((:n)::text::bytea)"
    if UUID_TEXT.fullmatch(value) and not value.startswith("0190a000") and value != str(SERVICE_ID):
        fresh = _fresh(value)
        return f"({fresh})::text" if column == "aggregateid" else fresh
    return _quoted(value)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _fresh(value: str) -> str:
    return f"md5('{value}' || :n)::uuid"


def pgbench(url: str, file: Path, rounds: int) -> list[float]:
    """Return the seconds of each round of the script, run with one client."""
    program = shutil.which("pgbench") or str(binaries() / "pgbench")
    log = file.with_name("rounds")
    done = subprocess.run(
        [program, "-n", "-M", "simple", "-c", "1", "-t", str(rounds), "-f", str(file),
         "-l", f"--log-prefix={log}", url.replace("postgresql+asyncpg://", "postgresql://")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (written,) = file.parent.glob("rounds.*")
    lines = written.read_text().splitlines()
    written.unlink()
    return [int(line.split()[2]) / 1_000_000 for line in lines]  # The third column: microseconds.


def bare_answers(connection: http.client.HTTPConnection, rounds: int) -> list[float]:
    """Return the seconds of each POST to a bare ASGI app, except the first one, because an idle connection is closed
    after some seconds."""
    connection.close()
    connection.request("POST", "/", b"y" * 300)
    connection.getresponse().read()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        connection.request("POST", "/", b"y" * 300)
        connection.getresponse().read()
        times.append(time.perf_counter() - start)
    return times


@dataclass
class Way:
    """One way to send a referral, with its measurements and those of its yardstick."""

    name: str
    play: Callable[[], float]
    script: Path
    requests: int
    goal: float | None = None
    ours: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        ours, yard, answer = map(statistics.median, (self.ours, self.written, self.answers))
        answered = self.requests * answer
        return (
            f"{self.name}: {ours * 1000:.1f} ms; same rows in pgbench {yard * 1000:.1f} ms,"
            f" bare answers {answered * 1000:.1f} ms;"
            f" efficiency {(yard + answered) / ours:.2f}"
            f"{f' (goal {self.goal})' if self.goal else ''}"
        )


async def measure(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ruta-bench-") as name:
        folder = Path(name)
        server = PostgresServer(folder / "postgres", durable=True)
        server.start()
        try:
            await _measure(MigratedDatabases(server), server, folder, rounds)
        finally:
            server.stop(immediate=True)


async def _measure(
    databases: MigratedDatabases, server: PostgresServer, folder: Path, rounds: int
) -> None:
    database = await databases.of("referrals", "referrals")
    keys = server.create_service_database("referral_keys")
    await create_tables(keys.owner_url, keys.app_role)
    owner = Database.at(database.owner_url)
    await announce(owner)
    with referrals(database, keys, folder) as port, bare(b"x" * 900, folder) as bare_port:
        client = Client(port)
        client.story()
        scripts = {}
        for together in (False, True):
            scripts[together] = folder / f"together-{together}.sql"
            scripts[together].write_text(await script_of(owner, together=together))
        ways = [
            Way("four requests, five commits", client.story, scripts[False], 4, 0.45),
            Way("one batch, five commits", partial(client.batch, False), scripts[False], 1),
            Way("one batch together, two commits", partial(client.batch, True), scripts[True], 1),
        ]  # fmt: skip
        least = http.client.HTTPConnection("127.0.0.1", bare_port, timeout=60)
        print("create + consent + draft + send")
        for way in ways:
            for _ in range(20):
                way.play()
        for _ in range(TURNS):  # Alternate, so that other load affects both equally.
            each = max(1, rounds // TURNS)
            for way in ways:
                client.reconnect()
                way.ours += [way.play() for _ in range(each)]
                way.written += pgbench(database.owner_url, way.script, each)
                way.answers += bare_answers(least, way.requests * each)
        for way in ways:
            print(way)
    await owner.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    asyncio.run(measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
