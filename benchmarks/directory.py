"""The directory over 100,000 services in all municipalities.
The benchmark compares it with its SQL and a bare response of the same bytes.

    python benchmarks/directory.py [--services 100000] [--rounds 400] [--data FOLDER]
                                   [--category CODE] [--imported]

With `--data` the filled databases stay there and the next run uses them again. With `--category` each search also asks
for that need, because among a million services two words in a town match more than can be sorted. Each service is in a
municipality of its own choice, so no two of a town are stored together. With `--imported` each organisation's services
are in a dozen municipalities, written as an import writes them.

efficiency = (time of a bare ASGI response of the same bytes + time of the same SQL in pgbench) / our time, with one
client, directly at the service. Floors: 0.35 for a new search, 0.15 for a repeated search and for get-by-id. `search`
repeats the same search, as partners' systems do. No search of `new searches` was asked before, so PostgreSQL plans and
executes each, here and in pgbench. `new searches, ten on a page` returns the same number of services at both sizes,
where a page of 25 has half as many at the small size. Throughput at 16 clients is printed too (`directus` measures the
same for the peer). The cost should grow with the page, not with the table: 100,000 services cost at most 1.2 times as
much as 10,000.
"""

import argparse
import asyncio
import http.client
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import combinations, cycle, islice, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.sight import audience_of
from common.words import codelists
from common.words.places import Places
from directory.find.search import queries
from directory.find.search.parameters import ServiceQuery
from directory.followers_service import declare_followers
from directory.ground.hsds.schemas import ServiceDocument
from directory.record.services.upsert import Finish, upsert_service
from sqlalchemy import event
from stack.embedded.ports import free_port
from stack.embedded.postgres import PostgresServer, ServiceDatabase, binaries

ROOT = Path(__file__).resolve().parents[1]
# A file next to this one has a package's name, so search for packages only in the environment.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

from gateway.keys import ensure_internal_keys  # noqa: E402 - after the path

from benchmarks.gateway import INTERNAL, before, wrk  # noqa: E402 - after the path
from tests.support.alone import bare, process  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases, key_of  # noqa: E402 - after the path
from tests.support.principals import (  # noqa: E402 - after the path
    bearer,
    organisation,
    principal,
    write_internal_jwks,
)

TEMPLATES = 400
TURNS = 10
ROWS_AT_ONCE = 400
TOWNS_OF_ONE = 12
WORDS = [
    "atención",
    "apoyo",
    "acompañamiento",
    "orientación",
    "asesoría",
    "guardería",
    "consulta",
    "taller",
    "grupo",
    "familia",
    "mujeres",
    "niñas",
    "adolescentes",
    "jóvenes",
    "comunidad",
    "movilidad",
    "integración",
    "protección",
    "derechos",
    "documentación",
    "alimentación",
    "tutoría",
    "empleo",
    "formación",
    "lactancia",
    "discapacidad",
    "adultos",
    "mayores",
    "indígenas",
    "frontera",
    "retorno",
    "reunificación",
    "interpretación",
    "transporte",
    "nutrición",
    "vacunación",
]
_LATELY = (
    "SELECT to_char((max(modified_at) - interval '150 minutes') AT TIME ZONE 'UTC',"
    ' \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') FROM service_documents_1'
)
"""As who keeps a copy asks, every few hours; all of a hundred thousand come by /directory/v1/sync."""
PARAMS = {"search": "acompañamiento mujeres", "area": "VE2313"}
SEARCHES = "/directory/v1/services?"
CLIENTS = 16
FLOORS = {"search": 0.15, "get by id": 0.15}
"""Of what is asked; of everything else 0.35."""
TEN_EACH = "new searches, ten on a page"
SAMPLE = 300
"""So many new searches are asked of PostgreSQL alone, each once."""
ASKED_AT_ONCE = 4_000


def new_searches(also: Mapping[str, str], seed: int = 23) -> Iterator[dict[str, str]]:
    """Yield two words in a municipality, never repeated; another seed shares almost none."""
    towns = [place.pcode for place in Places.load().at_level(2, "VEN")]
    pairs = list(combinations(WORDS, 2))
    chosen = random.Random(seed)
    asked = [(words, town) for words in pairs for town in chosen.sample(towns, 8)]
    chosen.shuffle(asked)
    return ({"search": " ".join(words), "area": town, **also} for words, town in asked)


def template(number: int, chosen: random.Random) -> ServiceDocument:
    """Return a service as complete as a real one, with two languages, hours, phones, a site and eligibility."""
    places = Places.load()
    town = chosen.choice(places.at_level(2, "VEN"))
    # Accommodation combined with GBV or trafficking may be a safe house, which Ruta withholds.
    codes = [
        code
        for code, entry in codelists.categories().items()
        if entry.minimum_visibility == "public" and not entry.accommodation
    ]
    words = chosen.sample(WORDS, 6)
    point = places.point(town.pcode)
    return ServiceDocument.model_validate(
        {
            "name": f"{words[0].title()} {words[1]} {number}",
            "description": " ".join(chosen.choices(WORDS, k=40)),
            "organization": {
                "id": str(organisation(100 + number % 50)),
                "name": f"Organización {number % 50}",
                "description": " ".join(words),
            },
            "categories": chosen.sample(codes, 2),
            "functional_status": {"code": "fully_functional"},
            "capacity_state": chosen.choice(["accepting", "waitlist", "full"]),
            "verification": {"verified_at": "2026-11-01", "valid_until": "2099-01-01"},
            "eligibility": {"sex": ["female"]} if number % 3 else {},
            "languages": [{"code": "spa"}, {"code": "guc"}][: 1 + number % 2],
            "schedules": [{"freq": "WEEKLY", "byday": "MO,TU,WE", "opens_at": "08:00",
                           "closes_at": "16:00"}],
            "phones": [{"number": f"+58 261 555 {number:04}"},
                       {"number": "+58 414 555 0000", "visibility": "pathway"}],
            "service_areas": [{"extent": town.pcode, "extent_type": "pcode", "name": town.name}],
            "service_at_locations": [{"location": {
                "location_type": "physical", "pcode": town.pcode, "name": f"Sede {town.name}",
                **({"latitude": point.latitude, "longitude": point.longitude} if point else {}),
            }}],
        }
    )  # fmt: skip


async def fill(
    database: Database, services: int, templates: int = TEMPLATES, *, imported: bool = False
) -> list[UUID]:
    """Write templates through the real write path. Then copy them at all their levels in SQL with their own ids,
    municipalities and bytes, each round an hour older. Return the ids of the templates, which alone have records. With
    `imported`, each round belongs to one organisation in a dozen municipalities, written a hundred at a time in order
    of place, as an import does."""
    declare_followers()
    chosen = random.Random(7)
    who = principal("im-officer")
    made: list[UUID] = []
    async with database.transaction() as session:
        finish = Finish()
        for number in range(templates):
            result = await upsert_service(session, who, template(number, chosen), finish=finish)
            made.append(result.id)
        await finish.write(session)
    copies = max(1, services // templates)
    for table in ("service_documents", "site_documents", "service_changes"):
        await _copy(database, table, made, copies, imported=imported)
    return made


async def _copy(
    database: Database, table: str, made: list[UUID], copies: int, *, imported: bool
) -> None:
    towns = [place.pcode for place in Places.load().at_level(2, "VEN")]
    new_id = "md5(t.service_id::text || k)::uuid"
    body = "convert_to(replace(convert_from(t.{0}, 'UTF8'), t.service_id::text, {1}::text), 'UTF8')"
    varied = {
        "service_id": new_id,
        "site_id": "md5(t.service_id::text || k || 's')::uuid",
        "states": "ARRAY[left(town, 4)]",
        "etag": "md5(t.etag || k)",
    }
    if table != "service_changes":
        varied |= {name: body.format(name, new_id) for name in ("full_body", "list_body")}
        varied["pcode"] = "town"
        varied["modified_at"] = "t.modified_at - k * interval '1 hour'"
    if table == "service_documents":
        varied |= {
            "areas": "ARRAY[town]",
            "within_areas": "ARRAY['VE', left(town, 4), town]",
            "name": "t.name || ' ' || k",
        }
    async with database.transaction() as session:
        names = sa.text(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = :table AND is_generated = 'NEVER' ORDER BY ordinal_position"
        )
        columns = (await session.scalars(names, {"table": table})).all()
    chosen = ", ".join(varied.get(name, f"t.{name}") for name in columns)
    drawn = "abs(hashtext(t.service_id::text || k))"
    place, order = drawn, ""
    if imported:
        place = f"(abs(hashtext(k::text)) + {drawn} % {TOWNS_OF_ONE} * 29)"
        order = f" ORDER BY k, {drawn} / {TOWNS_OF_ONE} % {max(1, len(made) // 100)}, town"
    statement = sa.text(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} t"  # noqa: S608 - own names
        " CROSS JOIN generate_series(CAST(:first AS int), CAST(:last AS int)) AS k,"
        f" LATERAL (SELECT (CAST(:towns AS text[]))[1 + {place} % :n] AS town) AS placed"
        f" WHERE t.service_id = ANY(:made){order}"
    ).bindparams(sa.bindparam("made", type_=sa.ARRAY(sa.Uuid)))
    chunk = max(1, ROWS_AT_ONCE // len(made))
    for first in range(1, copies, chunk):
        given = {"first": first, "last": min(copies - 1, first + chunk - 1), "towns": towns,
                 "n": len(towns), "made": made}  # fmt: skip
        async with database.transaction() as session:
            await session.execute(sa.text("SET LOCAL synchronous_commit = off"))
            await session.execute(statement, given)


def listen(database: Database) -> list[tuple[str, list[Any]]]:
    """From now on, record the SELECTs that read documents, with their values."""
    asked: list[tuple[str, list[Any]]] = []

    def record(_c: Any, _k: Any, statement: str, values: Any, *_: Any) -> None:
        if "_documents" in statement or "service_changes" in statement:
            asked.append((statement, list(values)))

    event.listen(database.engine.sync_engine, "before_cursor_execute", record)
    return asked


def written(text: str, values: list[Any]) -> str:
    def literal(value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, list | tuple):
            return "ARRAY[" + ",".join(map(literal, value)) + "]" if value else "'{}'"
        if isinstance(value, bool | int | float):
            return str(value).lower()
        return "'" + str(value).replace("'", "''") + "'"

    return " ".join(re.sub(r"\$(\d+)", lambda m: literal(values[int(m[1]) - 1]), text).split())


def pgbench(url: str, statement: str, rounds: int, folder: Path) -> float:
    """Return the seconds that the same prepared statement takes with one client."""
    done = _pgbench(url, [statement], folder, "-M", "prepared", "-t", str(rounds))
    found = re.search(r"latency average = ([\d.]+) ms", done)
    assert found
    return float(found[1]) / 1000


def pgbench_once(url: str, questions: Sequence[Sequence[str]], folder: Path) -> float:
    """Return the seconds of queries that run once each, with one or several statements, without a connection's first
    query."""
    statements = [each for question in questions for each in question]
    done = _pgbench(url, statements, folder, "-M", "extended", "-t", "1", "-r")
    latencies = [
        float(each) for each in re.findall(r"^\s+([\d.]+)\s+\d+\s+SELECT", done, re.MULTILINE)
    ]
    assert len(latencies) == len(statements)
    return sum(latencies[len(questions[0]) :]) / 1000 / (len(questions) - 1)


def _pgbench(url: str, statements: Sequence[str], folder: Path, *options: str) -> str:
    script = folder / "query.sql"
    script.write_text("".join(f"{each};\n" for each in statements))
    program = shutil.which("pgbench") or str(binaries() / "pgbench")
    done = subprocess.run(
        [program, "-n", "-c", "1", *options, "-f", str(script),
         url.replace("postgresql+asyncpg://", "postgresql://")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def _keys(file: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(file.read_text())["keys"]
    return found


@contextmanager
def directory(database: ServiceDatabase, folder: Path) -> Iterator[int]:
    """Run the directory service as its own process; return its port. It accepts tokens from the tests and from a front
    whose key is in the folder."""
    port = free_port()
    jwks = write_internal_jwks(folder / "jwks.json")
    ensure_internal_keys(folder / INTERNAL, folder / "internal-jwks.json")
    keys = [*_keys(jwks), *_keys(folder / "internal-jwks.json")]
    jwks.write_text(json.dumps({"keys": keys}))
    environment = {
        "RUTA_ENVIRONMENT": "embedded", "RUTA_HOST": "127.0.0.1", "RUTA_PORT": str(port),
        "RUTA_DATABASE_URL": database.app_url, "RUTA_DATABASE_ROLE": database.app_role,
        "RUTA_NATS_URL": "nats://127.0.0.1:1", "RUTA_NATS_PASSWORD": "no-broker-in-this-benchmark",
        "RUTA_STORED_RESULT_KEY": key_of("bench"), "RUTA_LOG_LEVEL": "WARNING",
        "RUTA_INTERNAL_JWKS_FILE": str(jwks),
    }  # fmt: skip
    with process([sys.executable, "-m", "directory", "api"], environment, port):
        yield port


def timed(
    port: int, paths: Iterator[str], headers: dict[str, str], rounds: int
) -> tuple[list[float], bytes]:
    """Return (seconds of each request, body) over one connection, after a warm-up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times, content = [], b""
    for at, path in enumerate(islice(paths, rounds + 10)):
        start = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:300]
        if at >= 10:
            times.append(time.perf_counter() - start)
    connection.close()
    return times, content


@dataclass
class Compared:
    """Medians in seconds, measured in turn, so that other load affects all of them equally."""

    ours: float
    bare: float
    sql: float
    size: int

    @property
    def efficiency(self) -> float:
        return (self.bare + self.sql) / self.ours


def compared(
    port: int,
    paths: Iterator[str],
    headers: dict[str, str],
    sql: Callable[[int], float],
    rounds: int,
    folder: Path,
) -> Compared:
    ours, answers, statements = [], [], []
    _, body = timed(port, paths, headers, rounds)
    with bare(body, folder) as other:
        for _ in range(TURNS):
            ours += timed(port, paths, headers, rounds // TURNS)[0]
            answers += timed(other, repeat("/"), headers, rounds // TURNS)[0]
            statements.append(sql(rounds // TURNS))
    return Compared(
        statistics.median(ours),
        statistics.median(answers),
        statistics.median(statements),
        len(body),
    )


def throughput(port: int, paths: Iterator[str], headers: dict[str, str], seconds: float) -> float:
    """Return responses per second with 16 clients, each of which waits for its response."""
    counts = [0] * CLIENTS
    asked = cycle(list(islice(paths, ASKED_AT_ONCE)))
    end = time.perf_counter() + seconds

    def run(at: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() < end:
            connection.request("GET", next(asked), headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            counts[at] += 1
        connection.close()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(CLIENTS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(counts) / seconds


async def asked_for(
    database: Database, own: UUID, searches: Sequence[Mapping[str, str]]
) -> dict[str, list[list[str]]]:
    """Return each query's statements with their values for pgbench; the first search is the repeated one."""
    audience = audience_of(principal("health-cluster"))
    today = clock.now().date()
    heard, asked = listen(database), []
    async with database.transaction() as session:
        for each in searches:
            heard.clear()
            query = ServiceQuery.model_validate(each)
            await queries.service_page(session, query, audience, today, "list_body")
            asked.append([written(*statement) for statement in heard])
        heard.clear()
        await queries.one_service(session, own, audience, None)
    same, *new = asked
    return {"search": [same], "new searches": new, "get by id": [[written(*heard[0])]]}


@asynccontextmanager
async def filled(
    services: int, data: Path | None, *, imported: bool = False
) -> AsyncIterator[tuple[PostgresServer, Any]]:
    """Return a server with this many services, either new or stored in `data` by an earlier run."""
    name = f"{services}-imported" if imported else str(services)
    folder = Path(tempfile.mkdtemp(prefix="ruta-bench-")) if data is None else data / name
    # A server that only reads now starts as it would in use.
    server = PostgresServer(folder / "postgres", durable=(folder / "filled").exists())
    server.start()
    try:
        made = await MigratedDatabases(server).of("directory", "directory")
        start = time.perf_counter()
        if not (folder / "filled").exists():
            database = Database.at(made.app_url, name="bench")
            await fill(database, services, imported=imported)
            await database.close()
            server.psql("VACUUM ANALYZE", database="directory")
            (folder / "filled").touch()
        count = server.psql("SELECT count(*) FROM service_documents_1", database="directory")
        print(f"{int(count):,} services, ready in {time.perf_counter() - start:.0f} s")
        yield server, made
    finally:
        server.stop(immediate=data is None)
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


async def measure(
    services: int, rounds: int, data: Path | None, also: Mapping[str, str], *, imported: bool
) -> dict[str, float]:
    found: dict[str, float] = {}
    async with filled(services, data, imported=imported) as (server, made):
        one = "SELECT service_id FROM service_documents_1 LIMIT 1"
        own = UUID(server.psql(one, database="directory").strip())
        database = Database.at(made.app_url, name="bench")
        sample = list(islice(new_searches(also), ASKED_AT_ONCE, ASKED_AT_ONCE + SAMPLE))
        statements = await asked_for(database, own, [{**PARAMS, **also}, *sample])
        lately = server.psql(_LATELY, database="directory").strip()
        await database.close()
        headers = bearer("health-cluster", audience="ruta-directory")
        same = SEARCHES + urlencode({**PARAMS, **also})
        paths = {
            "search": repeat(same),
            "new searches": (SEARCHES + urlencode(each) for each in new_searches(also)),
            # Both sizes fill such a page, so this measures the lookup, not the transfer.
            TEN_EACH: (
                SEARCHES + urlencode({**each, "per_page": "10"})
                for each in new_searches(also, seed=25)
            ),
            "get by id": repeat(f"/directory/v1/services/{own}"),
            "page of a list": repeat("/directory/v1/services?per_page=25&page=3"),
            "changes since a moment": repeat(f"/directory/v1/services?modified_after={lately}"),
        }
        with TemporaryDirectory() as place, directory(made, Path(place)) as port:
            folder = Path(place)
            # Warm up as in an hour of work, because a town's first query waits until its pages have been read.
            others = (SEARCHES + urlencode(each) for each in new_searches(also, seed=24))
            first, _ = timed(port, others, headers, 300)
            print(f"  the first searches after the start: {statistics.median(first) * 1e3:.2f} ms")
            timed(port, others, headers, 700)
            for name, path in paths.items():
                found[name] = statistics.median(timed(port, path, headers, rounds)[0])
            for name, asked in statements.items():
                step = max(1, len(asked) // TURNS)
                turns = cycle([asked[at : at + step] for at in range(0, len(asked), step)])
                sql = partial(_sql, made.app_url, turns, folder)
                each = compared(port, paths[name], headers, sql, rounds, folder)
                per_second = throughput(port, paths[name], headers, 5)
                found[f"efficiency of {name}"] = each.efficiency
                print(
                    f"  {name}: {each.ours * 1e3:.2f} ms at one client ({each.size:,} bytes);"
                    f" bare answer {each.bare * 1e3:.2f} ms + same SQL in pgbench"
                    f" {each.sql * 1e3:.2f} ms → efficiency {each.efficiency:.2f} (goal {FLOORS.get(name, 0.35)});"
                    f" {per_second:.0f}/s at {CLIENTS} clients"
                )
            if shutil.which("wrk") is None:
                print("  through the gateway: skipped, wrk not installed (apt-get install wrk)")
                return found
            with before(port, folder) as (front, token):
                url = f"http://127.0.0.1:{front}{same}"
                per_second, _ = wrk(url, token, CLIENTS, 10)
                print(
                    f"  search through the gateway, with a token: {per_second:.0f}/s at {CLIENTS} clients"
                )
    return found


def _sql(
    url: str, questions: Iterator[Sequence[Sequence[str]]], folder: Path, rounds: int
) -> float:
    """Return the seconds of a query's SQL. New queries are planned each time, as in the service."""
    asked = next(questions)
    if len(asked) > 1:
        return pgbench_once(url, asked, folder)
    return pgbench(url, asked[0][0], rounds, folder)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--services", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=400)
    arguments.add_argument("--data", type=Path, help="keep the filled databases in this folder")
    arguments.add_argument("--category", help="a need that each search asks for, too")
    arguments.add_argument(
        "--imported", action="store_true", help="each organisation works in a dozen municipalities"
    )
    given = arguments.parse_args()
    also = {"category": given.category} if given.category else {}
    small, large = (
        asyncio.run(measure(services, given.rounds, given.data, also, imported=given.imported))
        for services in (given.services // 10, given.services)
    )
    for name in (name for name in large if not name.startswith("efficiency")):
        ratio = large[name] / small[name]
        print(f"  cost ×{ratio:.2f} for ten times the services (goal ≤ 1.5): {name}")
    print(
        f"ratio search {large['efficiency of search']:.2f}"
        f" new {large['efficiency of new searches']:.2f}"
        f" get {large['efficiency of get by id']:.2f}"
    )


if __name__ == "__main__":
    main()
