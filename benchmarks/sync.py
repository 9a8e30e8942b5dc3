"""A partner that keeps a copy: bytes and time of the snapshot against those of a day's changes.

    python benchmarks/sync.py [--services 100000]

After 1 % of the services changed, the daily sync may move at most 2 % of the bytes of the full
copy. The copy that followed the feed is compared with a fresh snapshot, document by document.
"""

import argparse
import asyncio
import hashlib
import http.client
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from common.database import Database
from stack.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from services_directory.services.schemas import CapacityIn  # noqa: E402 - after the path
from services_directory.services.service import (  # noqa: E402 - after the path
    set_capacity,
    take_step,
)

from benchmarks.directory import TEMPLATES, directory, fill  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.principals import bearer, principal  # noqa: E402 - after the path

PEER = "health-cluster"
SNAPSHOT = "/directory/v1/sync/snapshot"


async def change(database: Database, ids: list[Any]) -> int:
    """A day's work: capacities that moved and, of a tenth of them, services that ended."""
    who = principal("im-officer")
    async with database.transaction() as session:
        for number, own in enumerate(ids):
            if number % 10 == 9:
                await take_step(session, who, own, "withdraw")
            else:
                await set_capacity(session, who, own, CapacityIn(available=number, unit="beds"))
    return len(ids)


@contextmanager
def asked(port: int, path: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {**bearer(PEER, audience="ruta-directory"), "Accept-Encoding": "identity"}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read(300)
    yield answer
    connection.close()


def mark(document: dict[str, Any]) -> bytes:
    """A digest: of the documents themselves two copies of 100,000 fill the memory of a laptop."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass
class Copy:
    """What a partner keeps (marks instead of documents), and what it took to get it."""

    marks: dict[str, bytes]
    cursor: str
    moved: int
    seconds: float


def snapshot(port: int) -> Copy:
    copy = Copy({}, "", 0, 0.0)
    start = time.perf_counter()
    with asked(port, SNAPSHOT) as answer:
        for line in answer:
            copy.moved += len(line)
            found = orjson.loads(line)
            if "id" in found:
                copy.marks[found["id"]] = mark(found)
            copy.cursor = found.get("cursor", copy.cursor)
    copy.seconds = time.perf_counter() - start
    return copy


def follow(port: int, copy: Copy) -> tuple[int, float]:
    """Apply the feed to the copy; (bytes, seconds)."""
    moved, seconds, more = 0, 0.0, True
    while more:
        start = time.perf_counter()
        with asked(port, f"/directory/v1/sync/changes?cursor={copy.cursor}&limit=1000") as answer:
            body = answer.read()
        moved, seconds = moved + len(body), seconds + time.perf_counter() - start
        found = orjson.loads(body)
        for item in found["items"]:
            if item["op"] == "delete":
                copy.marks.pop(item["id"], None)
            else:
                copy.marks[item["id"]] = mark(item["document"])
        copy.cursor, more = found["next_cursor"], found["more"]
    return moved, seconds


async def measure(services: int) -> float:
    folder = Path(tempfile.mkdtemp(prefix="ruta-bench-"))
    server = PostgresServer(folder / "postgres", durable=False)
    server.start()
    try:
        made = await MigratedDatabases(server).of("services_directory", "directory")
        database = Database.at(made.app_url, name="bench")
        start = time.perf_counter()
        # Those that will change have their records; the others are documents to be carried.
        ids = await fill(database, services, max(TEMPLATES, services // 100))
        server.psql("VACUUM ANALYZE", database="directory")
        print(f"{services:,} services in {time.perf_counter() - start:.0f} s")
        with directory(made, folder) as port:
            copy = snapshot(port)
            whole = copy.moved
            print(
                f"  snapshot: {whole:,} bytes of {len(copy.marks):,} services in"
                f" {copy.seconds:.1f} s"
            )
            changed = await change(database, ids[: services // 100])
            moved, seconds = follow(port, copy)
            fresh = snapshot(port)
            assert copy.marks == fresh.marks, "the copy differs from a fresh snapshot"
        await database.close()
    finally:
        server.stop(immediate=True)
        shutil.rmtree(folder, ignore_errors=True)
    ratio = moved / whole
    print(
        f"  after {changed} of {services:,} changed: {moved:,} bytes in {seconds:.2f} s ="
        f" {ratio:.2%} of the full copy (goal ≤ 2 %); the copy equals a fresh snapshot"
    )
    print(f"ratio sync {ratio:.4f}")
    return ratio


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--services", type=int, default=100_000)
    asyncio.run(measure(arguments.parse_args().services))


if __name__ == "__main__":
    main()
