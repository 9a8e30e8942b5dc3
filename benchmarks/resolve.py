"""Resolve and gaps over 100,000 services.
The benchmark compares them with their SQL and a bare response.

    python benchmarks/resolve.py [--services 100000] [--rounds 300] [--data FOLDER]

With `--data` the filled databases stay there and the next run uses them again.

efficiency = (time of the same SQL in pgbench + time of a bare ASGI response of the same bytes) / our time, with one
client, directly at the service. Goal for a four-step TIP+CP profile: at least 0.25. Ten times the services cost at most
2.2 times as much. The whole response then names ten services for each step instead of one to five, and 25 of each are
read instead of five, also for the best three of each. Both repeat the same query, as a person who keeps a plan open
does; `new` asks for another child each time, so Ruta must also search for matching services.
"""

import argparse
import asyncio
import http.client
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from itertools import combinations, islice, product, repeat
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.db.session import Database
from common.words import codelists
from common.words.places import Places
from directory.followers_service import declare_followers
from directory.ground.hsds.schemas import ServiceDocument
from directory.pathways.definition.graph import Bilingual, Pathway, Step, Urgency
from directory.pathways.definition.profile import Profile
from directory.pathways.gaps import projection
from directory.pathways.planning.resolver import Caller, plan
from directory.pathways.versions import service
from directory.record.services.upsert import upsert_service
from sqlalchemy import event
from stack.embedded.ports import free_port
from stack.embedded.postgres import PostgresServer, ServiceDatabase

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.services.directory.pathways.scenario import document  # noqa: E402 - after the path
from tests.support.alone import bare, process  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases, key_of  # noqa: E402 - after the path
from tests.support.principals import (  # noqa: E402 - after the path
    bearer,
    principal,
    write_internal_jwks,
)

PROFILE: dict[str, Any] = {
    "area": "VE2004",
    "age": 14,
    "sex": "female",
    "situations": ["trafficking"],
    "languages": ["spa"],
    "immediate_danger": False,
}
CHUNK = 20
TURNS = 10
RESOLVE = "/directory/v1/pathways/resolve"
FEW = f"{RESOLVE}?services_per_step=3"
LANGUAGES = list(combinations(sorted(codelists.languages()), 2))
TEXT = Bilingual(es="Prueba", en="Test")


def pathways() -> list[Pathway]:
    """Return two pathways for a trafficked child, with two needs each and four in all, one of them shared."""

    def step(key: str, need: str, **more: Any) -> Step:
        return Step(key=key, need=need, urgency=Urgency.WITHIN_24_HOURS, note=TEXT, **more)

    return [
        Pathway(aor="CP", area="VE", title=TEXT, entry=_entry(maximum_age=17), steps=(
            step("health", "HLT", safety=True), step("case", "CP-CM"),
            step("support", "CP-MHPSS", after=("case",)))),
        Pathway(aor="TIP", area="VE", title=TEXT, entry=_entry(situations={"trafficking"}), steps=(
            step("health", "HLT", safety=True), step("assistance", "TIP-ASSIST"))),
    ]  # fmt: skip


def _entry(**condition: Any) -> Any:
    from directory.pathways.definition.conditions import Condition  # noqa: PLC0415 - used once

    return (Condition(**condition),)


async def prepare(database: Database, services: int) -> None:
    """Publish the pathways and fill the directory: one real service per category, then copies of it."""
    declare_followers()
    coordinators = {"CP": "cp-coordinator", "GBV": "gbv-coordinator", "TIP": "tip-coordinator",
                    "GP": "tip-coordinator", "MULTI": "im-officer"}  # fmt: skip
    async with database.transaction() as session:
        for body in pathways():
            who = principal(coordinators[body.aor])
            made = await service.create(session, who, body)
            sent = await service.submit(
                session, principal("im-officer"), made.pathway_id, service.etag(made)
            )
            etag = service.etag(sent)
            await service.publish(session, who, made.pathway_id, etag, alone=True)
        templates = []
        for code, category in codelists.categories().items():
            level = category.minimum_visibility
            area = "VE23" if level == "restricted" else "VE2313"
            each: ServiceDocument = document(
                f"Servicio {code}", [code], area, [area],
                visibility=level, ages=(None, 17) if category.pathway == "CP" else (None, None),
            )  # fmt: skip
            who = principal(coordinators[category.pathway])
            templates.append((await upsert_service(session, who, each)).id)
    copies = max(1, services // len(templates))
    await _copy(database, templates, copies)


async def _copy(database: Database, templates: list[UUID], copies: int) -> None:
    """Copy every template in SQL over all municipalities; 30 % serve the whole state, with different capacities."""
    places = Places.load()
    towns = [place.pcode for place in places.at_level(2, "VEN")]
    varied = {
        "areas": "CASE WHEN k % 10 < 3 THEN ARRAY[state, town] ELSE ARRAY[town] END",
        "within_areas": "ARRAY['VE', state, town]",
        "states": "ARRAY[state]",
        "etag": "md5(t.etag || k)",
        "name": "t.name || ' ' || k",
        "capacity_state": "(ARRAY['accepting','accepting','waitlist','full'])[1 + k % 4]",
        "pcode": "town",
    }
    ids = ("service_id", "site_id", "location_id")
    for table in ("service_documents", "site_documents"):
        async with database.transaction() as session:
            names = sa.text(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = :table AND is_generated = 'NEVER'"
            )
            columns = (await session.scalars(names, {"table": table})).all()
        chosen = ", ".join(
            f"md5(t.{name}::text || k)::uuid" if name in ids
            else varied.get(name, f"t.{name}")
            for name in columns
        )  # fmt: skip
        statement = sa.text(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - own column names
            f" SELECT {chosen} FROM {table} t"
            " CROSS JOIN generate_series(CAST(:first AS int), CAST(:last AS int)) AS k,"
            " LATERAL (SELECT (CAST(:towns AS text[]))[1 + abs(hashtext(t.service_id::text || k))"
            " % :n] AS town) AS placed,"
            " LATERAL (SELECT left(town, 4) AS state) AS around"
            " WHERE t.visibility < 3 AND t.service_id = ANY(:templates)"
        ).bindparams(sa.bindparam("templates", type_=sa.ARRAY(sa.Uuid)))
        for first in range(1, copies + 1, CHUNK):
            given = {"first": first, "last": min(copies, first + CHUNK - 1), "towns": towns,
                     "n": len(towns), "templates": templates}  # fmt: skip
            async with database.transaction() as session:
                await session.execute(statement, given)


async def recount(database: Database) -> tuple[int, float]:
    """Count every service into the coverage cells; return (services, seconds)."""
    async with database.transaction() as session:
        ids = (
            await session.scalars(sa.text("SELECT DISTINCT service_id FROM service_documents"))
        ).all()
        start = time.perf_counter()
        await projection.refresh(session, list(ids))
    return len(ids), time.perf_counter() - start


class Recorder:
    """The statements of one resolve, with their values inserted, for pgbench."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def listen(self, engine: Any) -> None:
        """From now on, record the statements of this engine."""
        event.listen(engine.sync_engine, "before_cursor_execute", self._record)

    def _record(self, _c: Any, _k: Any, statement: str, values: Any, *_: Any) -> None:
        given = list(values or ())
        written = re.sub(r"\$(\d+)", lambda m: _literal(given[int(m[1]) - 1]), statement)
        self.statements.append(" ".join(written.split()))


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "ARRAY[" + ",".join(_literal(each) for each in value) + "]" if value else "'{}'"
    if isinstance(value, date | UUID):
        return f"'{value}'"
    return "'" + str(value).replace("'", "''") + "'"


async def recorded(database: Database) -> list[str]:
    """Return a partner's resolve as statements, once the caches are warm."""
    recorder = Recorder()
    caller = Caller.of(principal("ngo-refugio"))
    profile = Profile.model_validate(PROFILE)
    async with database.transaction(caller.caller) as session:
        await plan(session, caller, profile)
    recorder.listen(database.engine)
    async with database.transaction(caller.caller) as session:
        found = await plan(session, caller, profile)
    needs = [(step.ordered.step.need, step.coverage.value, step.fitting) for step in found.steps]
    print(f"  plan: {needs}")
    return recorder.statements


def pgbench(url: str, statements: list[str], rounds: int) -> float | None:
    """Return the seconds per transaction of the same statements, or None without pgbench."""
    program = shutil.which("pgbench")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "resolve.sql"
        script.write_text("BEGIN;\n" + "".join(f"{s};\n" for s in statements) + "COMMIT;\n")
        done = subprocess.run(
            [program, "-n", "-M", "prepared", "-c", "1", "-t", str(rounds), "-f", str(script),
             url.replace("postgresql+asyncpg://", "postgresql://")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    return float(found[1]) / 1000 if found else None


async def by_driver(database: Database, statements: list[str], rounds: int) -> float:
    """Return the same seconds with the bare driver, for machines without pgbench."""
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        if raw is None:
            raise RuntimeError("no driver connection")
        prepared = [await raw.prepare(statement) for statement in statements]
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            async with raw.transaction():
                for each in prepared:
                    await each.fetch()
            times.append(time.perf_counter() - start)
    return statistics.mean(times)


async def in_sql(url: str, database: Database, statements: list[str], rounds: int) -> float:
    found = pgbench(url, statements, rounds)
    return await by_driver(database, statements, rounds) if found is None else found


@contextmanager
def directory(database: ServiceDatabase, folder: Path) -> Iterator[int]:
    """Run the directory service as its own process; return its port."""
    port = free_port()
    environment = {
        "RUTA_ENVIRONMENT": "embedded", "RUTA_HOST": "127.0.0.1", "RUTA_PORT": str(port),
        "RUTA_DATABASE_URL": database.app_url, "RUTA_DATABASE_OWNER_URL": database.owner_url,
        "RUTA_DATABASE_ROLE": database.app_role, "RUTA_NATS_URL": "nats://127.0.0.1:1",
        "RUTA_NATS_PASSWORD": "no-broker-in-this-benchmark", "RUTA_STORED_RESULT_KEY": key_of("bench"),
        "RUTA_INTERNAL_JWKS_FILE": str(write_internal_jwks(folder / "jwks.json")),
        "RUTA_LOG_LEVEL": "WARNING", "RUTA_RUN_WORKER": "false",
    }  # fmt: skip
    with process([sys.executable, "-m", "directory", "api"], environment, port):
        yield port


def new_profiles() -> Iterator[dict[str, Any]]:
    """Yield profiles like `PROFILE`, without a repetition in one run."""
    each = product(LANGUAGES, range(18), ("female", "male"))
    return (
        {**PROFILE, "age": age, "sex": sex, "languages": list(spoken)} for spoken, age, sex in each
    )


def timed(
    port: int, path: str, bodies: Iterator[Mapping[str, Any] | None], rounds: int
) -> tuple[float, float, bytes]:
    """Return (median, mean, body) of `rounds` requests over one connection after a warm-up, in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        **bearer("ngo-refugio", audience="ruta-directory"),
        "Content-Type": "application/json",
    }
    times, content = [], b""
    for at, body in enumerate(islice(bodies, rounds + 20)):
        sent = json.dumps(body) if body is not None else None
        start = time.perf_counter()
        connection.request("POST" if sent else "GET", path, sent, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:300]!r}")
        if at >= 20:
            times.append(time.perf_counter() - start)
    connection.close()
    return statistics.median(times), statistics.mean(times), content


@asynccontextmanager
async def filled(services: int, data: Path | None) -> AsyncIterator[ServiceDatabase]:
    """Return a directory with this many services, either new or stored in `data` by an earlier run."""
    folder = Path(tempfile.mkdtemp(prefix="ruta-bench-")) if data is None else data / str(services)
    server = PostgresServer(folder / "postgres")
    server.start()
    try:
        prepared = await MigratedDatabases(server).of("directory", "directory")
        if not (folder / "filled").exists():
            database = Database.at(prepared.app_url, name="bench")
            await prepare(database, services)
            counted, seconds = await recount(database)
            await database.close()
            server.psql("VACUUM ANALYZE", database="directory")
            print(f"{counted:,} services; counted into coverage cells in {seconds:.1f} s")
            (folder / "filled").touch()
        yield prepared
    finally:
        server.stop(immediate=data is None)
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


async def measure(services: int, rounds: int, data: Path | None) -> dict[str, float]:
    """Measure both queries on a directory of this size."""
    async with filled(services, data) as prepared:
        database = Database.at(prepared.app_url, name="bench")
        statements = await recorded(database)
        with tempfile.TemporaryDirectory() as name, directory(prepared, Path(name)) as port:
            same, new = repeat(PROFILE), new_profiles()
            _, _, body = timed(port, RESOLVE, same, 20)
            gaps, _, _ = timed(
                port, "/directory/v1/gaps?area=VE&level=1", repeat(None), max(5, rounds // 30)
            )
            with bare(body, Path(name)) as other:
                # Alternate, so that other load affects all of them equally.
                each = rounds // TURNS
                turns = [
                    (
                        timed(port, RESOLVE, same, each)[1],
                        timed(port, FEW, same, each)[1],
                        timed(port, RESOLVE, new, each)[1],
                        timed(other, "/", same, each)[1],
                        await in_sql(prepared.app_url, database, statements, each),
                    )
                    for _ in range(TURNS)
                ]
        ours, few, first, answer, sql = (
            statistics.median(each) for each in zip(*turns, strict=True)
        )
        yardstick = "pgbench" if shutil.which("pgbench") else "bare driver"
        await database.close()
    efficiency = (sql + answer) / ours
    print(f"  resolve: {ours * 1e3:.2f} ms, {len(body):,} bytes, {1 / ours:.0f}/s at one client")
    print(
        f"  same SQL ({yardstick}, {len(statements)} statements): {sql * 1e3:.2f} ms;"
        f" bare answer of the same bytes: {answer * 1e3:.2f} ms"
    )
    print(
        f"  the best three of each step: {few * 1e3:.2f} ms; each profile new: {first * 1e3:.2f} ms"
    )
    print(f"  efficiency: {efficiency:.2f}  (goal 0.25)")
    print(f"  gaps of the whole country by state: median {gaps * 1e3:.1f} ms")
    return {"efficiency": efficiency, "resolve": ours, "few": few, "new": first, "gaps": gaps}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--services", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=300)
    arguments.add_argument("--data", type=Path, help="keep the filled databases in this folder")
    given = arguments.parse_args()
    # If this process is terminated, its servers must stop too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    small = asyncio.run(measure(given.services // 10, given.rounds, given.data))
    large = asyncio.run(measure(given.services, given.rounds, given.data))
    growth = {name: large[name] / small[name] for name in ("resolve", "few", "new", "gaps")}
    print(
        f"cost at {given.services:,} against {given.services // 10:,} services:"
        f" resolve ×{growth['resolve']:.2f}, three of each step ×{growth['few']:.2f} (goal 2.2),"
        f" each profile new ×{growth['new']:.2f}, gaps ×{growth['gaps']:.2f}"
    )
    print(f"ratio resolve {large['efficiency']:.2f}")


if __name__ == "__main__":
    main()
