"""A partner that keeps a copy: bytes and time of the snapshot against those of a day's changes.

    python benchmarks/sync.py [--services 5000]

After 1 % of the services changed, the daily sync may move at most 2 % of the bytes of the full
copy. The copy that followed the feed is compared with a fresh snapshot, document by document.
"""

import argparse
import asyncio
import http.client
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common.database import Database
from stack.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from services_directory.services.schemas import CapacityIn  # noqa: E402 - after the path
from services_directory.services.service import (  # noqa: E402 - after the path
    rewrite,
    set_capacity,
    take_step,
    upsert_service,
)

from benchmarks.directory import directory, template  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.principals import bearer, principal  # noqa: E402 - after the path

PEER = "health-cluster"


async def fill(database: Database, services: int) -> list[Any]:
    """Services by the real write path, in batches as an import writes them."""
    chosen = random.Random(11)
    who = principal("im-officer")
    ids = []
    for start in range(0, services, 250):
        async with database.transaction() as session:
            later: set[Any] = set()
            for number in range(start, min(services, start + 250)):
                made = await upsert_service(session, who, template(number, chosen), later=later)
                ids.append(made.id)
            await rewrite(session, later)
    return ids


async def change(database: Database, ids: list[Any], share: float) -> int:
    """A day's work: capacities that moved and, of a tenth of them, services that ended."""
    who = principal("im-officer")
    chosen = random.Random(5).sample(ids, max(1, int(len(ids) * share)))
    async with database.transaction() as session:
        for number, own in enumerate(chosen):
            if number % 10 == 9:
                await take_step(session, who, own, "withdraw")
            else:
                await set_capacity(session, who, own, CapacityIn(available=number, unit="beds"))
    return len(chosen)


def get(port: int, path: str, coding: str = "identity") -> tuple[bytes, float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    start = time.perf_counter()
    headers = {**bearer(PEER, audience="ruta-directory"), "Accept-Encoding": coding}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body[:300]
    connection.close()
    return body, time.perf_counter() - start


def documents(snapshot: bytes) -> tuple[dict[str, Any], str]:
    lines = [json.loads(line) for line in snapshot.splitlines()]
    return {line["id"]: line for line in lines[1:-1]}, lines[0]["cursor"]


def follow(port: int, copy: dict[str, Any], cursor: str) -> tuple[int, float]:
    """Apply the feed to the copy; (bytes, seconds)."""
    moved, seconds, more = 0, 0.0, True
    while more:
        body, took = get(port, f"/directory/v1/sync/changes?cursor={cursor}&limit=1000")
        answer = json.loads(body)
        moved, seconds = moved + len(body), seconds + took
        for item in answer["items"]:
            if item["op"] == "delete":
                copy.pop(item["id"], None)
            else:
                copy[item["id"]] = item["document"]
        cursor, more = answer["next_cursor"], answer["more"]
    return moved, seconds


async def measure(services: int) -> float:
    folder = Path(tempfile.mkdtemp(prefix="ruta-bench-"))
    server = PostgresServer(folder / "postgres", durable=False)
    server.start()
    try:
        made = await MigratedDatabases(server).of("services_directory", "directory")
        database = Database.at(made.app_url, name="bench")
        start = time.perf_counter()
        ids = await fill(database, services)
        took = time.perf_counter() - start
        print(f"{services:,} services written in {took:.0f} s ({services / took:.0f}/s)")
        with directory(made, folder) as port:
            full, seconds = get(port, "/directory/v1/sync/snapshot")
            zipped, _ = get(port, "/directory/v1/sync/snapshot", "gzip")
            small, _ = get(port, "/directory/v1/sync/snapshot", "zstd")
            print(
                f"  snapshot: {len(full):,} bytes in {seconds:.2f} s; gzip {len(zipped):,},"
                f" zstd {len(small):,}"
            )
            copy, cursor = documents(full)
            changed = await change(database, ids, 0.01)
            moved, seconds = follow(port, copy, cursor)
            fresh, _ = documents(get(port, "/directory/v1/sync/snapshot")[0])
            assert copy == fresh, "the copy that followed the feed differs from a fresh snapshot"
        await database.close()
    finally:
        server.stop(immediate=True)
        shutil.rmtree(folder, ignore_errors=True)
    ratio = moved / len(full)
    print(
        f"  after {changed} of {services:,} changed: {moved:,} bytes in {seconds:.2f} s ="
        f" {ratio:.2%} of the full copy (goal ≤ 2 %); the copy equals a fresh snapshot"
    )
    print(f"ratio sync {ratio:.4f}")
    return ratio


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--services", type=int, default=5_000)
    asyncio.run(measure(arguments.parse_args().services))


if __name__ == "__main__":
    main()
