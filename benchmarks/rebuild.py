"""Rebuilding reporting's projection, against fetching the same events and copying the same rows.

    python benchmarks/rebuild.py [--events 60000]

ratio = (time to fetch all messages from JetStream + time to COPY the finished rows of referral
steps) / time of the rebuild, one process, real PostgreSQL and NATS. Goal: at least 0.3. Also
prints the largest memory of the rebuild, which must not grow with the number of events.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import nats
import sqlalchemy as sa
from nats.js.api import StreamConfig
from reporting.facts.models import referral_steps
from reporting.facts.service import Recorder
from reporting.facts.sources import SOURCES
from reporting.replay.history import History
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
GOAL = 0.3
PERSONS_PER_CHUNK = 2000


async def fill(jetstream: Any, events: int) -> int:
    """Publish about as many events of random referrals; returns how many."""
    await jetstream.add_stream(StreamConfig("RUTA_REFERRALS", subjects=["ruta.referrals.>"]))
    published, chunk = 0, 0
    while published < events:
        batch = list(caseload(PERSONS_PER_CHUNK, seed=chunk))
        for start in range(0, len(batch), 500):
            part = batch[start : start + 500]
            await asyncio.gather(*(jetstream.publish(e.type, e.to_json()) for _, e in part))
        published, chunk = published + len(batch), chunk + 1
    return published


async def fetch_all(jetstream: Any) -> float:
    """Seconds to fetch every message, and nothing else."""
    kinds = dict(SOURCES)["referrals"]
    history = History(jetstream, "referrals", kinds)
    await history.open()
    started = time.perf_counter()
    async for _messages in history.messages():
        pass
    took = time.perf_counter() - started
    await history.close()
    return took


async def copy_all(dsn: str) -> float:
    """Seconds to COPY the finished rows into an empty table of the same columns."""
    connection = await asyncpg.connect(dsn)
    try:
        names = [column.name for column in referral_steps.columns]
        rows = await connection.fetch("SELECT * FROM projection.referral_steps")
        await connection.execute(
            "CREATE TABLE copied (LIKE projection.referral_steps INCLUDING INDEXES)"
        )
        records = [tuple(row) for row in rows]
        started = time.perf_counter()
        await connection.copy_records_to_table("copied", records=records, columns=names)
        return time.perf_counter() - started
    finally:
        await connection.execute("DROP TABLE IF EXISTS copied")
        await connection.close()


@asynccontextmanager
async def operator(server: NatsServer) -> AsyncIterator[Any]:
    connection = await nats.connect(
        server.url,
        user="operator",
        password=server.credentials["operator"],
        inbox_prefix=b"_INBOX.operator",
    )
    try:
        yield connection.jetstream()
    finally:
        await connection.close()


async def measure(postgres: PostgresServer, server: NatsServer, events: int) -> float:
    database = await MigratedDatabases(postgres).of("reporting", "rebuild")
    engine = create_async_engine(database.owner_url, poolclass=NullPool)
    async with operator(server) as jetstream:
        count = await fill(jetstream, events)
        before = peak_mib()
        started = time.perf_counter()
        rebuilt = await replay(engine, jetstream, Recorder(KEY))
        rebuild = time.perf_counter() - started
        memory = peak_mib() - before
        assert rebuilt.events == count
        fetched = await fetch_all(jetstream)
    async with engine.connect() as connection:
        rows = await connection.scalar(sa.select(sa.func.count()).select_from(referral_steps))
    await engine.dispose()
    copied = await copy_all(database.owner_url.replace("postgresql+asyncpg", "postgresql"))
    ratio = (fetched + copied) / rebuild
    print(f"{count} events, {rows} rows; peak memory of the rebuild +{memory:.0f} MiB")
    print(f"raw: fetch {fetched:.2f} s + copy {copied:.2f} s; rebuild {rebuild:.2f} s")
    print(f"ratio {ratio:.2f} (goal ≥ {GOAL}), {count / rebuild:,.0f} events/s")
    return ratio


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        postgres = PostgresServer(Path(folder) / "postgres", durable=False)
        credentials = stored_credentials(Path(folder) / "credentials.json")
        server = NatsServer(Path(folder) / "nats", credentials, durable=False)
        postgres.start()
        server.start()
        try:
            ratio = asyncio.run(measure(postgres, server, events))
        finally:
            server.stop()
            postgres.stop()
    raise SystemExit(0 if ratio >= GOAL else 1)


if __name__ == "__main__":
    main()
