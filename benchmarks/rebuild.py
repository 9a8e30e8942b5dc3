"""Rebuilding reporting's projection, against fetching the same events and copying the same rows.

    python benchmarks/rebuild.py [--events 60000] [--rounds 3]

ratio = (time to fetch all messages from JetStream with nats-py's `fetch` + time to COPY the finished rows of
referral steps) / time of the rebuild, one process, real PostgreSQL and NATS. Goal: at least 0.5. Each is
measured in turn, several times, and the best of each counts: what else the machine does only adds.
Also prints how much memory a rebuild needs, which must not grow with the number of events, and the
same ratio in processor time of this process.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import asyncpg
import nats
import psutil
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig
from reporting.facts.models import referral_steps
from reporting.recording.service import Recorder
from reporting.recording.sources import SOURCES
from reporting.replay.service import replay
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from stack.nats import NatsServer, stored_credentials
from stack.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.services.reporting.events import caseload  # noqa: E402 - after the path
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path

KEY = b"k" * 32
GOAL, BATCH = 0.5, 5000
PERSONS_PER_CHUNK = 2000


async def fill(client: Client, events: int) -> int:
    """Publish about as many events of random referrals; returns how many."""
    jetstream = client.jetstream()
    published, chunk = 0, 0
    while published < events:
        batch = list(caseload(PERSONS_PER_CHUNK, seed=chunk))
        for start in range(0, len(batch), 500):
            part = batch[start : start + 500]
            await asyncio.gather(*(jetstream.publish(e.type, e.to_json()) for _, e in part))
        published, chunk = published + len(batch), chunk + 1
    return published


@dataclass
class Best:
    """The shortest wall and processor time of a few runs."""

    wall: float = inf
    processor: float = inf

    @contextmanager
    def measured(self) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.wall = min(self.wall, time.perf_counter() - wall)
        self.processor = min(self.processor, time.process_time() - processor)


async def fetch_all(client: Client, events: int, best: Best) -> None:
    """Fetch every message as the client library does, and nothing else."""
    jetstream, stream = client.jetstream(), "RUTA_REFERRALS"
    kinds = sorted(kind.SUBJECT for kind in dict(SOURCES)["referrals"])
    config = ConsumerConfig(ack_policy=AckPolicy.NONE, mem_storage=True, filter_subjects=kinds)
    consumer = await jetstream.add_consumer(stream, config)
    subscription = await jetstream.pull_subscribe_bind(consumer.name, stream)
    fetched = 0
    with best.measured():
        while fetched < events:
            fetched += len(await subscription.fetch(BATCH, timeout=30))
    await subscription.unsubscribe()


async def copy_all(dsn: str, best: Best) -> int:
    """COPY the finished rows into an empty table of the same columns; returns how many."""
    connection = await asyncpg.connect(dsn)
    try:
        names = [column.name for column in referral_steps.columns]
        rows = await connection.fetch("SELECT * FROM projection.referral_steps")
        await connection.execute(
            "CREATE TABLE copied (LIKE projection.referral_steps INCLUDING INDEXES)"
        )
        records = [tuple(row) for row in rows]
        with best.measured():
            await connection.copy_records_to_table("copied", records=records, columns=names)
        return len(records)
    finally:
        await connection.execute("DROP TABLE IF EXISTS copied")
        await connection.close()


@asynccontextmanager
async def operator(server: NatsServer) -> AsyncIterator[Client]:
    connection = await nats.connect(
        server.url,
        user="operator",
        password=server.credentials["operator"],
        inbox_prefix=b"_INBOX.operator",
    )
    try:
        yield connection
    finally:
        await connection.close()


async def measure(postgres: PostgresServer, server: NatsServer, events: int, rounds: int) -> float:
    database = await MigratedDatabases(postgres).of("reporting", "rebuild")
    engine = create_async_engine(database.owner_url, poolclass=NullPool)
    dsn = database.owner_url.replace("postgresql+asyncpg", "postgresql")
    rebuild, fetch, copy = Best(), Best(), Best()
    async with operator(server) as client:
        count = await fill(client, events)
        memory = Memory()
        with memory.watched():  # apart from what is timed: looking takes time, too
            rebuilt = await replay(engine, client, Recorder(KEY))
        assert rebuilt.events == count
        for _ in range(rounds):
            with rebuild.measured():
                await replay(engine, client, Recorder(KEY))
            await fetch_all(client, count, fetch)
            rows = await copy_all(dsn, copy)
    await engine.dispose()
    ratio = (fetch.wall + copy.wall) / rebuild.wall
    print(f"{count} events, {rows} rows; memory of a rebuild +{memory.mib:.0f} MiB")
    for name, best in (("rebuild", rebuild), ("fetch", fetch), ("copy", copy)):
        print(f"{name}: {best.wall:.2f} s, of it {best.processor:.2f} s processor time here")
    print(
        f"ratio {ratio:.2f} (goal ≥ {GOAL}), {count / rebuild.wall:,.0f} events/s;"
        f" in processor time {(fetch.processor + copy.processor) / rebuild.processor:.2f}"
    )
    return ratio


class Memory:
    """How far the resident memory of this process rose, looked at every few milliseconds."""

    def __init__(self) -> None:
        self.mib = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        gc.collect()
        done, before = threading.Event(), _resident_mib()

        def look() -> None:
            while not done.wait(0.02):
                self.mib = max(self.mib, _resident_mib() - before)

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _resident_mib() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = PostgresServer(Path(folder) / "postgres", durable=False)
        credentials = stored_credentials(Path(folder) / "credentials.json")
        server = NatsServer(Path(folder) / "nats", credentials, durable=False)
        postgres.start()
        server.start()
        try:
            ratio = asyncio.run(measure(postgres, server, asked.events, asked.rounds))
        finally:
            server.stop()
            postgres.stop()
    raise SystemExit(0 if ratio >= GOAL else 1)


if __name__ == "__main__":
    main()
