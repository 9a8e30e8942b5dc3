"""Searching through the gateway with a token, next to Directus 11.
Both use the same rows on the same server.

    python benchmarks/directus.py --into FOLDER [--services 10000] [--rounds 3] [--seconds 8]
                                  [--data FOLDER]

The query is two words in a municipality at 16 connections (wrk), in turn. Ruta gets a partner's query, and Directus
gets it at its REST interface with a static token of its administrator, who passes every permission. Directus runs as
its documentation describes production: one process, no rate limit, no telemetry, and only warnings in the log. It runs
once without its cache, which is the default, and once with the in-memory cache. It has one table each for services,
organisations and needs with their relations, and an index on the municipality. It returns the fields that a row of
Ruta's search has. The benchmark first checks that Ruta finds what Directus finds. Directus is asked for both words in
name or description (`filter`; Ruta searches more), and for the phrase through its own `search`, which finds fewer.

npm installs Directus into FOLDER (830 MB, including its own Node), where it stays for the next run.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import psutil
from stack.embedded.ports import free_port
from stack.embedded.postgres import SUPERUSER, PostgresServer

ROOT = Path(__file__).resolve().parents[1]
# A file next to this one has a package's name, so search for packages only in the environment.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

from benchmarks.directory import (  # noqa: E402 - after the path
    CLIENTS,
    PARAMS,
    SEARCHES,
    directory,
    filled,
    new_searches,
)
from benchmarks.gateway import before, wrk  # noqa: E402 - after the path
from tests.support.alone import process  # noqa: E402 - after the path

NODE, PEER = "node@22", "directus@11"
GOAL = 3
PAGE = 25
DIFFERENT = 5_000
TOKEN = "of-this-benchmark-and-nothing-else"  # noqa: S105 - of a server that ends with it
_FIELDS = (
    "id,name,status,description,verified_at,valid_until,capacity_state,functional_status,referable,"
    "endorsed_by,last_modified,organization.id,organization.name,organization.description,needs.code"
)
_TABLES = """
CREATE TABLE organizations (id uuid PRIMARY KEY, name text NOT NULL, description text);
CREATE TABLE services (
  id uuid PRIMARY KEY, name text NOT NULL, status text, description text, verified_at date, valid_until date,
  capacity_state text, functional_status text, referable boolean, endorsed_by json,
  last_modified timestamptz, organization uuid REFERENCES organizations, area text
);
CREATE TABLE needs (id serial PRIMARY KEY, service uuid REFERENCES services, code text NOT NULL);
"""
_INDEXES = """
CREATE INDEX ON services (area); CREATE INDEX ON services (organization); CREATE INDEX ON needs (service);
VACUUM ANALYZE;
"""
_ROWS = "WITH r AS (SELECT convert_from(list_body, 'UTF8')::jsonb AS d, areas[1] AS area FROM service_documents_1)"
_COPIED = {
    "organizations": "SELECT DISTINCT ON (1) d #>> '{organization,id}', d #>> '{organization,name}',"
    " d #>> '{organization,description}' FROM r",
    "services": "SELECT d->>'id', d->>'name', d->>'status', d->>'description', d #>> '{verification,verified_at}',"
    " d #>> '{verification,valid_until}', d->>'capacity_state', d #>> '{functional_status,code}',"
    " d->>'referable', d->'endorsed_by', d->>'last_modified', d #>> '{organization,id}', area FROM r",
    "needs (service, code)": "SELECT d->>'id', jsonb_array_elements_text(d->'categories') FROM r",
}


def installed(folder: Path) -> tuple[Path, Path] | None:
    """Return the Node and the command of Directus in the folder, installed if necessary, or None without npm."""
    node = folder / "node" / "node_modules" / "node" / "bin" / "node"
    command = folder / "directus" / "node_modules" / "directus" / "cli.js"
    if shutil.which("npm") is None and not command.exists():
        return None
    # npm chooses the Directus version for the running Node, and compiled parts use this Node's headers.
    path = {**os.environ, "PATH": f"{node.parent}:{os.environ['PATH']}"}
    for name, file, package in (("node", node, NODE), ("directus", command, PEER)):
        if not file.exists():
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "package.json").write_text('{"private": true}')
            print(f"  bringing {package} into {folder / name}")
            headers = next(node.parents[1].glob("**/node-linux-*"), node.parents[1])
            path["npm_config_nodedir"] = str(headers)
            quiet = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]
            subprocess.run(
                ["npm", "install", *quiet, package], cwd=folder / name, env=path, check=True
            )
    return node, command


@contextmanager
def peer(
    server: PostgresServer, node: Path, command: Path, folder: Path, *, cached: bool
) -> Iterator[int]:
    """Run Directus in production mode on its database on this server; return its port."""
    port = free_port()
    settings = {
        "NODE_ENV": "production", "HOST": "127.0.0.1", "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}", "LOG_LEVEL": "warn", "TELEMETRY": "false",
        "SECRET": TOKEN, "ADMIN_EMAIL": "admin@example.org", "ADMIN_PASSWORD": TOKEN,
        "ADMIN_TOKEN": TOKEN, "RATE_LIMITER_ENABLED": "false", "WEBSOCKETS_ENABLED": "false",
        "CACHE_ENABLED": str(cached).lower(), "CACHE_STORE": "memory", "CACHE_TTL": "1h",
        "EXTENSIONS_PATH": str(folder / "extensions"), "STORAGE_LOCAL_ROOT": str(folder / "uploads"),
        "DB_CLIENT": "pg", "DB_HOST": "127.0.0.1", "DB_PORT": str(server.port),
        "DB_DATABASE": "directus", "DB_USER": SUPERUSER, "DB_PASSWORD": server.password(SUPERUSER),
    }  # fmt: skip
    for each in ("extensions", "uploads"):
        (folder / each).mkdir(exist_ok=True)
    program = ["env", "-C", str(command.parents[2]), str(node), str(command)]
    made = subprocess.run(
        [*program, "bootstrap"],
        env={**os.environ, **settings},
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise SystemExit(f"Directus did not begin: {made.stdout}{made.stderr}")
    with process([*program, "start"], settings, port):
        yield port


def copied(server: PostgresServer) -> None:
    """Copy the directory's public rows into tables in a separate database."""
    server.psql("DROP DATABASE IF EXISTS directus")
    server.psql("CREATE DATABASE directus ENCODING 'UTF8' TEMPLATE template0")
    server.psql(_TABLES, database="directus")
    for table, chosen in _COPIED.items():
        rows = server.psql(f"COPY ({_ROWS} {chosen}) TO STDOUT", database="directory")
        server.psql(f"COPY {table} FROM STDIN;\n{rows}\\.\n", database="directus")
    server.psql(_INDEXES, database="directus")


def asked(
    port: int, path: str, body: Any = None, method: str = "GET", token: str = TOKEN
) -> tuple[bytes, Any]:
    """Return the response as bytes and as JSON."""
    url, headers = f"http://127.0.0.1:{port}{path}", {"Authorization": f"Bearer {token}"}
    answer = httpx.request(method, url, json=body, headers=headers, timeout=60, trust_env=False)
    if answer.is_error:
        raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.content, answer.json() if answer.content else None


def registered(port: int) -> None:
    """Register tables as collections, with relations from a service to its organisation and needs."""
    for name in ("organizations", "services", "needs"):
        asked(port, f"/collections/{name}", {"meta": {}}, "PATCH")
    needs = {"field": "needs", "type": "alias", "meta": {"special": ["o2m"]}}
    asked(port, "/fields/services", needs, "POST")
    relation = {"collection": "needs", "field": "service", "related_collection": "services"}
    asked(port, "/relations/needs/service", {**relation, "meta": {"one_field": "needs"}}, "PATCH")


def as_filter(search: Mapping[str, str]) -> str:
    """Return a filter for both words in name or description, within the municipality."""
    words = [
        {"_or": [{name: {"_icontains": word}} for name in ("name", "description")]}
        for word in search["search"].split()
    ]
    chosen = {"_and": [{"area": {"_eq": search["area"]}}, *words]}
    return _items({"filter": json.dumps(chosen, ensure_ascii=False)})


def as_phrase(search: Mapping[str, str]) -> str:
    chosen = json.dumps({"area": {"_eq": search["area"]}})
    return _items({"search": search["search"], "filter": chosen})


def _items(question: Mapping[str, str]) -> str:
    page = {"limit": str(PAGE), "fields": _FIELDS, "meta": "filter_count"}
    return "/items/services?" + urlencode({**question, **page}, quote_via=quote)


def as_ours(search: Mapping[str, str]) -> str:
    return SEARCHES + urlencode({**search, "per_page": str(PAGE)}, quote_via=quote)


def same_found(front: int, token: str, directus: int) -> None:
    """Print both responses to the repeated query. Raise SystemExit if Ruta lacks a result."""
    ours, found = asked(front, as_ours(PARAMS), token=token)
    theirs, rows = asked(directus, as_filter(PARAMS))
    fewer, some = asked(directus, as_phrase(PARAMS))
    print(f"  Ruta: {found['total_items']} services, {len(ours):,} bytes")
    print(f"  Directus, filter: {rows['meta']['filter_count']}, {len(theirs):,} bytes")
    print(f"  Directus, search: {some['meta']['filter_count']}, {len(fewer):,} bytes")
    if not {each["id"] for each in rows["data"]} <= {each["id"] for each in found["contents"]}:
        raise SystemExit("Directus finds services that Ruta does not")


def in_turn(paths: list[str], file: Path) -> Path:
    """Return a wrk script that sends one query after the other."""
    listed = ",\n".join(json.dumps(path) for path in paths)
    file.write_text(
        f"local paths = {{\n{listed}\n}}\nlocal at = 0\n"
        "request = function()\n  at = at % #paths + 1\n  return wrk.format('GET', paths[at])\nend\n"
    )
    return file


def spent() -> float:
    """Return the CPU seconds used so far by all the processes involved. wrk starts and ends between two calls."""
    times = [each.cpu_times() for each in psutil.Process().children(recursive=True)]
    return sum(each.user + each.system for each in times)


def measure(
    targets: Mapping[str, tuple[int, str, Path]], options: argparse.Namespace
) -> dict[str, tuple[float, float]]:
    """Return responses per second and milliseconds of processor time per response, as medians over rounds."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in targets}
    for _ in range(options.rounds):
        for name, (port, token, script) in targets.items():
            url, before_it = f"http://127.0.0.1:{port}/", spent()
            rate, _ = wrk(url, token, CLIENTS, options.seconds, script=script)
            cost = (spent() - before_it) / (rate * options.seconds) * 1000
            found[name].append((rate, cost))
    return {
        name: (statistics.median(rates), statistics.median(costs))
        for name, turns in found.items()
        for rates, costs in [zip(*turns, strict=True)]
    }


async def compare(node: Path, command: Path, options: argparse.Namespace) -> None:
    async with filled(options.services, options.data) as (server, made):
        copied(server)
        with TemporaryDirectory() as place:
            folder = Path(place)
            with (
                directory(made, folder) as ours,
                before(ours, folder) as (front, token),
                peer(server, node, command, folder, cached=False) as plain,
            ):
                registered(plain)
                with peer(server, node, command, folder, cached=True) as cached:
                    same_found(front, token, plain)
                    _measured(front, token, {"": plain, ", its cache on": cached}, folder, options)


def _measured(
    front: int, token: str, peers: Mapping[str, int], folder: Path, options: argparse.Namespace
) -> None:
    # The other new searches are only a few per town. These use two words in any town, each pair once.
    new = list(islice(new_searches({}), DIFFERENT))
    for which, searches in (("the same search again", [PARAMS]), ("new searches in turn", new)):
        targets = {"Ruta": (front, token, in_turn([*map(as_ours, searches)], folder / "ours.lua"))}
        for way, path in (("filter", as_filter), ("search", as_phrase)):
            script = in_turn([*map(path, searches)], folder / f"{way}.lua")
            for note, port in peers.items():
                targets[f"Directus, {way}{note}"] = (port, TOKEN, script)
        print(f"  {which}, {CLIENTS} connections:")
        for name, (rate, cost) in measure(targets, options).items():
            line = f"    {name}: {rate:,.0f} a second, {cost:.2f} ms of processor time each"
            if name == "Ruta":
                ours = rate, cost
                print(line)
                continue
            print(
                f"{line}; Ruta ×{ours[0] / rate:.1f} (goal ≥ {GOAL}), by processor time ×{cost / ours[1]:.1f}"
            )


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--into", type=Path, help="where Directus is, or is to be brought by npm"
    )
    arguments.add_argument("--services", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=8)
    arguments.add_argument("--data", type=Path, help="keep the filled databases in this folder")
    options = arguments.parse_args()
    if options.into is None:
        print("skipped: --into FOLDER says where Directus is, or where npm is to bring it (830 MB)")
        return 0
    if shutil.which("wrk") is None:
        print("skipped: wrk not installed (apt-get install wrk)")
        return 0
    programs = installed(options.into.resolve())
    if programs is None:
        print("skipped: npm not installed (apt-get install npm)")
        return 0
    version = json.loads((programs[1].parent / "package.json").read_text())["version"]
    print(f"  Directus {version}")
    asyncio.run(compare(*programs, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
