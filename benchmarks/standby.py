"""What reading from a standby takes off the primary, and what it costs.

    python benchmarks/standby.py [--services 10000] [--rounds 5] [--requests 200] [--data FOLDER]

Primary and standby are real and on this machine. The same requests go to the directory without and with a standby, in
turns, sixteen at a time, once while nothing is written and once beside commits that come without a pause. Shown is the
processor time of the primary's and of the standby's processes per request (what replay costs is in the latter), the primary's as a
ratio to that without a standby, and how many questions the standby answered. Last, what a commit takes when it waits for the
standby's disk, and when it waits until the standby shows it (`remote_apply`, the other way to the same promise).
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from fastapi import FastAPI
from httpx import AsyncClient
from services_directory.app import create_app
from services_directory.settings import Settings
from stack.postgres import PostgresServer, ServiceDatabase

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from benchmarks.directory import filled  # noqa: E402 - after the path
from drills.faults.standby import NAME, Standby  # noqa: E402 - after the path
from tests.support.databases import common_settings  # noqa: E402 - after the path
from tests.support.principals import bearer, write_internal_jwks  # noqa: E402 - after the path
from tests.support.standbys import Pair, client_of, readings, settled, used_by  # noqa: E402 - after the path

AT_ONCE = 16
COMMITS = 200
Ask = Callable[[], Awaitable[Any]]


def spent(server: PostgresServer) -> float:
    """Seconds of processor time of a server's processes by now."""
    assert server.process is not None
    times = [each.cpu_times() for each in psutil.Process(server.process.pid).children()]
    return sum(each.user + each.system for each in times)


async def many(ask: Ask, requests: int) -> None:
    left = iter(range(requests))

    async def one() -> None:
        for _ in left:
            await ask()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


@asynccontextmanager
async def writing(pair: Pair, *, busy: bool) -> AsyncIterator[None]:
    """Beside it, one writer that commits again and again."""
    if not busy:
        yield
        return
    stop = asyncio.Event()

    async def write() -> None:
        connection = await asyncpg.connect(pair.primary.admin_dsn)
        await connection.execute("CREATE TABLE IF NOT EXISTS beside (n bigint)")
        while not stop.is_set():
            await connection.execute("INSERT INTO beside SELECT generate_series(1, 20)")
            await asyncio.sleep(0.02)
        await connection.close()

    task = asyncio.create_task(write())
    yield
    stop.set()
    await task


def app_of(database: ServiceDatabase, jwks: Path, pair: Pair, *, standby: bool) -> FastAPI:
    given: dict[str, Any] = common_settings(database, jwks, "nats://127.0.0.1:1")
    return create_app(
        Settings(**given, database_read_url=pair.read_url(database) if standby else None)
    )


def asking(client: AsyncClient, path: str) -> Ask:
    headers = bearer("health-cluster", audience="ruta-directory")

    async def ask() -> None:
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text

    return ask


async def compared(
    pair: Pair, database: ServiceDatabase, folder: Path, rounds: int, requests: int
) -> None:
    own = pair.primary.psql(
        "SELECT service_id FROM service_documents_1 LIMIT 1", database="directory"
    )
    paths = {
        "search by words": "/directory/v1/services?search=acompa%C3%B1amiento+mujeres&area=VE2313",
        "page of a list": "/directory/v1/services?per_page=25&page=3",
        "get by id": f"/directory/v1/services/{own.strip()}",
    }
    jwks = write_internal_jwks(folder / "jwks.json")
    plain, read = (app_of(database, jwks, pair, standby=each) for each in (False, True))
    async with client_of(plain) as without, client_of(read) as with_one:
        await settled(used_by(read), "ok")
        watch = asyncio.create_task(used_by(read).watch(asyncio.Event()))
        for busy in (False, True):
            for name, path in paths.items():
                asks = asking(without, path), asking(with_one, path)
                async with writing(pair, busy=busy):
                    await _turns(pair, name, asks, read, rounds, requests, busy=busy)
        watch.cancel()


async def _turns(
    pair: Pair,
    name: str,
    asks: tuple[Ask, Ask],
    read: FastAPI,
    rounds: int,
    requests: int,
    *,
    busy: bool,
) -> None:
    for ask in asks:
        await many(ask, AT_ONCE * 2)
    taken: dict[str, list[float]] = {"without": [], "with": [], "there": []}
    before_all = Counter(readings(read))
    for _ in range(rounds):
        for which, ask in zip(("without", "with"), asks, strict=True):
            before, there = spent(pair.primary), spent(pair.standby)
            await many(ask, requests)
            taken[which].append((spent(pair.primary) - before) / requests * 1000)
            if which == "with":
                taken["there"].append((spent(pair.standby) - there) / requests * 1000)
    middle = {which: statistics.median(each) for which, each in taken.items()}
    answered = Counter(readings(read)) - before_all
    share = answered["standby"] / max(1, sum(answered.values()))
    print(
        f"{name:16} {'beside commits' if busy else 'at rest':14}  primary {middle['without']:.3f} ms,"
        f" with a standby {middle['with']:.3f} (ratio {middle['with'] / middle['without']:.2f})"
        f" and {middle['there']:.3f} there; the standby answered {share:.0%}"
        f" {dict(answered)}"
    )


async def commits(pair: Pair) -> None:
    """The synchronous standby as the production overlay has it, and one that shows what it acknowledges."""
    pair.primary.psql(f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'")
    pair.primary.psql("SELECT pg_reload_conf()")
    connection = await asyncpg.connect(pair.primary.admin_dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS beside (n bigint)")
    taken: dict[str, list[float]] = {"on": [], "remote_apply": []}
    for _ in range(COMMITS):
        for how, times in taken.items():
            await connection.execute(f"SET synchronous_commit = {how}")
            start = time.perf_counter()
            await connection.execute("INSERT INTO beside VALUES (1)")
            times.append((time.perf_counter() - start) * 1000)
    await connection.close()
    on, applied = (statistics.median(taken[how]) for how in ("on", "remote_apply"))
    print(
        f"a commit: on its disk {on:.2f} ms, shown there {applied:.2f} (ratio {applied / on:.2f})"
    )


@contextmanager
def followed(server: PostgresServer) -> Iterator[tuple[Pair, Path]]:
    with tempfile.TemporaryDirectory(prefix="ruta-standby-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        standby = Standby(server, folder / "second", durable=False)
        standby.begin()
        try:
            yield Pair(server, standby.server), folder
        finally:
            server.psql("ALTER SYSTEM RESET synchronous_standby_names")
            server.psql("SELECT pg_reload_conf()")
            standby.server.stop(immediate=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--data", type=Path)
    chosen = parser.parse_args()
    async with filled(chosen.services, chosen.data) as (server, database):
        # As in production: what is acknowledged is on disk, here without the disk's own time.
        server.psql("ALTER ROLE ALL SET synchronous_commit = on")
        with followed(server) as (pair, folder):
            await compared(pair, database, folder, chosen.rounds, chosen.requests)
            await commits(pair)


if __name__ == "__main__":
    asyncio.run(main())
