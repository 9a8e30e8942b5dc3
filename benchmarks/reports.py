"""Reporting queries over few and over many referrals.
The benchmark also measures the time of a large release.

    python benchmarks/reports.py [--small 10000] [--large 1000000] [--rounds 60]

ratio = median time of a query over the large case load / the same over the small one, through the app on one
connection, in turn. Goal: at most 1.3 for each. Before that, it closes a five-dimension cube over the same number of
persons and measures the seconds and the memory, which must not grow with the persons. After that, it measures the time
that intervals add to a query, which may be at most the time of the query without them.
"""

import argparse
import asyncio
import gc
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import httpx
import psutil
from common.auth import Principal
from common.db.session import Database
from common.ids import new_id
from pydantic import SecretStr
from reporting.app import create_app
from reporting.count.facts.models import referral_facts, referral_steps
from reporting.count.facts.progress import STATE, FactStep, ReferralFact
from reporting.count.indicators.service import add_to_counters
from reporting.count.indicators.vector import Increments, collect
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import programme
from reporting.ground.protection.protected import ProtectedCube
from reporting.protect.releases.service import Order, close
from reporting.settings import Settings
from stack.embedded.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.databases import (  # noqa: E402 - after the path
    MigratedDatabases,
    common_settings,
    random_key,
)
from tests.support.principals import (  # noqa: E402 - after the path
    bearer,
    organisation,
    principal,
    write_internal_jwks,
)

GOAL, SURE_GOAL = 1.3, 2
CHUNK = 100_000
START = datetime(2026, 1, 1, tzinfo=UTC)
STATES = ("sent", "acknowledged", "accepted", "completed", "declined", "not_delivered")
PROGRAMME, PERIOD = programme("referrals"), Period.parse("2026-09a")
QUESTIONS = {
    "indicators": "/reports/v1/indicators?from=2026-08&to=2026-10",
    "indicators by area": "/reports/v1/indicators?from=2026-08&to=2026-10&by=area",
    "indicators by category": "/reports/v1/indicators?from=2026-08&to=2026-10&by=category",
    "release by area and sex": "/reports/v1/releases/{id}/query?by=area,sex",
    "release by age of children": "/reports/v1/releases/{id}/query?by=age_band&age_band=children",
}


def fact(chance: random.Random, part: float) -> ReferralFact:
    """Return one referral, sent at this fraction of the year, at a random step."""
    sent = START + timedelta(hours=8000 * part)
    state = chance.choice(STATES)
    answered = sent + timedelta(hours=chance.expovariate(1 / 30))
    return ReferralFact(
        referral_id=UUID(int=chance.getrandbits(128)),
        state_version=3,
        state=state,
        from_organisation=organisation(chance.randint(1, 40)),
        to_organisation=organisation(chance.randint(1, 40)),
        category=chance.choice(("GBV-PSS", "GBV-CM", "GBV-LEGAL", "GBV-CMR")),
        aor="GBV",
        area=f"VE{chance.randint(1, 25):02}",
        sent_at=sent,
        acknowledged_at=None if state == "sent" else answered,
        accepted_at=answered if state in {"accepted", "completed"} else None,
    )


async def fill(database: Database, referrals: int) -> None:
    chance = random.Random(referrals)
    for start in range(0, referrals, CHUNK):
        numbers = range(start, min(start + CHUNK, referrals))
        facts = [fact(chance, number / referrals) for number in numbers]
        increments: Increments = {}
        for each in facts:
            collect(increments, ReferralFact(each.referral_id), each)
        async with database.transaction() as session:
            await session.execute(referral_facts.insert(), [each._asdict() for each in facts])
            await add_to_counters(session, increments)


async def fill_steps(database: Database, persons: int) -> None:
    """Write this many persons with one step each in the period, as recorded events would."""
    chance = random.Random(persons)
    codes = {each.name: each.codes for each in PROGRAMME.cube_dimensions}
    moment = datetime.combine(PERIOD.start, datetime.min.time(), UTC) + timedelta(hours=12)

    def skewed(of: str) -> str:
        return codes[of][min(int(chance.expovariate(0.4)), len(codes[of]) - 1)]

    def row() -> dict[str, Any]:
        step = FactStep(
            UUID(int=chance.getrandbits(128)), 1, STATE, chance.choice(STATES), moment,
            organisation(chance.randint(1, 40)), organisation(chance.randint(1, 40)),
            "GBV-PSS", skewed("aor"), skewed("area"),
        )  # fmt: skip
        return step._asdict() | {
            "counted_on": PERIOD.start,
            "person": chance.randbytes(16),
            "urgency": "routine",
            "countable": True,
            "sex": skewed("sex"),
            "age_band": skewed("age_band"),
        }

    for start in range(0, persons, CHUNK):
        rows = [row() for _ in range(start, min(start + CHUNK, persons))]
        async with database.transaction() as session:
            await session.execute(referral_steps.insert(), rows)


async def release(database: Database) -> tuple[UUID, str]:
    """Close the five-dimension cube: count every person, round, write. Return its id, its seconds, how many of these
    are processor seconds, and the memory growth in MiB."""
    caller: Principal = principal("im-officer")
    gc.collect()
    before, highest = _resident_mib(), 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal highest
        while not done.is_set():
            highest = max(highest, _resident_mib())
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    started, processor = time.perf_counter(), time.process_time()
    async with database.transaction() as session:
        made = await close(session, caller, Order(PROGRAMME, PERIOD), b"k" * 32)
    took, processor = time.perf_counter() - started, time.process_time() - processor
    done.set()
    await watching
    return made.id, f"{took:.1f} s ({processor:.1f} s here), memory +{highest - before:.0f} MiB"


def _resident_mib() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


async def app_over(postgres: PostgresServer, jwks: Path, referrals: int) -> tuple[Any, UUID]:
    database = await MigratedDatabases(postgres).of("reporting", f"reports_{referrals}")
    values: dict[str, Any] = common_settings(database, jwks, "nats://127.0.0.1:1")
    keys: dict[str, Any] = {n: SecretStr(random_key()) for n in ("rounding_key", "pseudonym_key")}
    settings = Settings(**values, **keys)
    app = create_app(settings)
    filled: Database = app.state.context.database
    started = time.perf_counter()
    await fill(filled, referrals)
    await fill_steps(filled, referrals)
    filling = time.perf_counter() - started
    release_id, took = await release(filled)
    print(
        f"{referrals:,} referrals and persons: filled in {filling:.0f} s; closing the"
        f" five-dimension release of all of them {took}"
    )
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://reporting"), release_id


async def measure(postgres: PostgresServer, jwks: Path, sizes: tuple[int, int], rounds: int) -> int:
    sides = [await app_over(postgres, jwks, referrals) for referrals in sizes]
    headers = bearer("im-officer", audience="ruta-reporting")
    missed = 0
    for name, url in QUESTIONS.items():
        times: list[list[float]] = [[], []]
        for _ in range(rounds):  # Alternate, so that other load affects both equally.
            for side, (client, release_id) in enumerate(sides):
                started = time.perf_counter()
                answer = await client.get(url.format(id=release_id), headers=headers)
                times[side].append(time.perf_counter() - started)
                assert answer.status_code == 200, answer.text
        small, large = (statistics.median(each) * 1000 for each in times)
        missed += large / small > GOAL
        print(f"{name}: {small:.2f} ms → {large:.2f} ms, ratio {large / small:.2f} (≤ {GOAL})")
    return missed + await weigh(*sides[0], rounds)


async def weigh(client: httpx.AsyncClient, release_id: UUID, rounds: int) -> int:
    """Measure a release's counts with and without intervals through the app, in turn."""
    headers = bearer("im-officer", audience="ruta-reporting")
    told = ProtectedCube._between  # noqa: SLF001 - what intervals cost is what is measured
    missed = 0
    for name in (each for each in QUESTIONS if each.startswith("release")):
        times: list[list[float]] = [[], []]
        for _ in range(rounds):
            for side, way in enumerate((_none, told)):
                with mock.patch.object(ProtectedCube, "_between", way):
                    started = time.perf_counter()
                    url = QUESTIONS[name].format(id=release_id)
                    answer = await client.get(url, headers=headers)
                    times[side].append(time.perf_counter() - started)
                assert answer.status_code == 200, answer.text
        bare, sure = (statistics.median(each) * 1000 for each in times)
        missed += sure / bare > SURE_GOAL
        print(
            f"{name}, intervals: {bare:.2f} ms → {sure:.2f} ms, ratio {sure / bare:.2f} (≤ {SURE_GOAL})"
        )
    return missed


def _none(_: ProtectedCube, table: Any, _filters: Any) -> list[tuple[int, int]]:
    return [(0, 0)] * len(table.shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = PostgresServer(Path(folder) / f"postgres-{new_id().hex[:6]}", durable=False)
        postgres.start()
        try:
            jwks = write_internal_jwks(Path(folder) / "jwks.json")
            sizes = (asked.small, asked.large)
            missed = asyncio.run(measure(postgres, jwks, sizes, asked.rounds))
        finally:
            postgres.stop()
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
