"""Mixed load for long at 70 % of capacity, then three times too much: what grows, what is shed.

    python benchmarks/soak.py [--minutes 30] [--capacity-seconds 30] [--overload-seconds 20]

The yardstick is the stack itself: its capacity is measured first, in the same run, with the same
mixed load. Then the load runs at 70 % of it; memory, connections, outbox and duration are sampled,
and their last third is divided by their first (after a warm-up). At the end six hundred clients, three
times as many as the gateway lets in at once, ask for single commands and ask again soon after a
refusal: that is more than three times what can be served, so much must be shed with 429 or 503,
the record must still hold exactly what was acknowledged, and the next request is fast again.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Files beside this one have names of packages: look for packages in the environment only.
sys.path[:] = [str(ROOT), *(p for p in sys.path if Path(p).resolve() != ROOT / "benchmarks")]

import aiohttp  # noqa: E402 - after the path
import psutil  # noqa: E402 - after the path
from stack.demo_data import load_demo_data  # noqa: E402 - after the path

from drills.faults.batches import V1, Writer  # noqa: E402 - after the path
from drills.faults.checker import check_commands, check_layer  # noqa: E402 - after the path
from drills.faults.client import Sender  # noqa: E402 - after the path
from drills.faults.history import History, Outcome  # noqa: E402 - after the path
from drills.faults.load import ORGANISATIONS, Load  # noqa: E402 - after the path
from drills.faults.record import baseline, read_record, waiting  # noqa: E402 - after the path
from drills.faults.seeds import referable_services  # noqa: E402 - after the path
from drills.faults.stack_under_test import StackUnderTest, until  # noqa: E402 - after the path

SHARE = 0.7
SAMPLE_SECONDS = 5.0
WARM_UP = 0.1  # of the samples
FAST_AGAIN_SECONDS = 1.0
_CROWD = 600
_AGAIN_SECONDS = 0.25


@dataclass
class Samples:
    """One list per quantity; all are sampled together."""

    memory_mib: list[float] = field(default_factory=list)
    connections: list[float] = field(default_factory=list)
    outbox: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def growth(self) -> dict[str, dict[str, float]]:
        shown = {}
        for name, values in vars(self).items():
            kept = values[int(len(values) * WARM_UP) :]
            third = max(1, len(kept) // 3)
            first, last = statistics.median(kept[:third]), statistics.median(kept[-third:])
            ratio = round(last / first, 2) if first else 0.0
            shown[name] = {"first": round(first, 1), "last": round(last, 1), "ratio": ratio}
        return shown


async def capacity(sender: Sender, seconds: float) -> float:
    """Commands per second that are answered when every client asks as fast as it can."""
    await asyncio.sleep(seconds / 3)  # warm
    before, began = sender.answered, time.monotonic()
    await asyncio.sleep(seconds)
    return (sender.answered - before) / (time.monotonic() - began)


async def soak(stack: StackUnderTest, sender: Sender, seconds: float) -> Samples:
    samples, end = Samples(), time.monotonic() + seconds
    while time.monotonic() < end:
        mark = len(sender.durations)
        await asyncio.sleep(SAMPLE_SECONDS)
        recent = [1000 * took / count for _, took, count in sender.durations[mark:]]
        if recent:
            samples.milliseconds.append(statistics.median(recent))
        samples.memory_mib.append(_memory(stack))
        samples.connections.append(await stack.databases.number("postgres", _CONNECTIONS))
        samples.outbox.append(
            await stack.databases.number(
                "referrals", "SELECT count(*) FROM outbox WHERE published_at IS NULL"
            )
        )
    return samples


_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL"


def _memory(stack: StackUnderTest) -> float:
    """Resident MiB of our own processes; PostgreSQL's grows with its cache by design."""
    found = 0.0
    for name, pid in stack.state.processes.items():
        if name != "postgres":
            try:
                found += psutil.Process(pid).memory_info().rss / 2**20
            except psutil.Error:
                continue
    return found


@dataclass
class Overload:
    statuses: Counter[str] = field(default_factory=Counter)
    singles: float = 0.0  # served per second when thirty clients wait for their answers
    asked: float = 0.0
    served: float = 0.0
    fast_again_after: float = 0.0


async def overload(url: str, sender: Sender, history: History, seconds: float) -> Overload:
    """Single commands of a crowd that does not go away when it is refused."""
    result = Overload()
    tokens = {client: await sender.tokens.of(client) for client in ORGANISATIONS}
    writers = [Writer(c, random.Random(c), f"over-{c[4:7]}", []) for c in ORGANISATIONS]
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=60), connector=aiohttp.TCPConnector(limit=0)
    ) as session:

        async def one(writer: Writer) -> bool:
            asked = writer.case()
            asked.command.attempts = 1
            history.commands.append(asked.command)
            headers = {
                "Authorization": f"Bearer {tokens[writer.client]}",
                "Idempotency-Key": asked.command.key,
            }
            try:
                async with session.post(
                    f"{url}{V1}/cases", json=asked.body, headers=headers
                ) as answer:
                    body = await answer.json()
            except (aiohttp.ClientError, TimeoutError) as error:
                result.statuses[type(error).__name__] += 1
                return False
            result.statuses[str(answer.status)] += 1
            if answer.status == 201:
                asked.command.outcome = Outcome.ACKNOWLEDGED
                asked.command.made, asked.command.version = body["id"], 1
            elif answer.status < 500:
                asked.command.outcome = Outcome.REFUSED
            return answer.status == 201

        result.singles = await _singles(lambda n: one(writers[n % len(writers)]), result)
        end = time.monotonic() + seconds

        async def client(number: int) -> None:
            while time.monotonic() < end:
                if not await one(writers[number % len(writers)]):
                    await asyncio.sleep(_AGAIN_SECONDS)

        crowd = [asyncio.create_task(client(number)) for number in range(_CROWD)]
        await asyncio.sleep(seconds)
        result.asked = result.statuses.total() / seconds
        result.served = result.statuses["201"] / seconds
        ended = time.monotonic()
        result.fast_again_after = await _fast_again(session, url, tokens["ngo-refugio"], ended)
        await asyncio.gather(*crowd)
    return result


async def _singles(ask: Callable[[int], Awaitable[bool]], result: Overload) -> float:
    """Single requests per second that are answered when thirty clients wait for each answer."""
    end, done = time.monotonic() + 5, 0

    async def client(number: int) -> None:
        nonlocal done
        while time.monotonic() < end:
            await ask(number)
            done += 1

    await asyncio.gather(*(client(number) for number in range(30)))
    result.statuses.clear()
    return done / 5


async def _fast_again(session: aiohttp.ClientSession, url: str, token: str, ended: float) -> float:
    """Seconds after the overload until a request is answered well within a second."""
    while True:
        began = time.monotonic()
        async with session.get(
            f"{url}{V1}/cases?limit=1", headers={"Authorization": f"Bearer {token}"}
        ) as answer:
            await answer.read()
        if answer.status == 200 and time.monotonic() - began < FAST_AGAIN_SECONDS:
            return time.monotonic() - ended
        await asyncio.sleep(0.2)


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    stack, history = StackUnderTest(folder / "soak"), History()
    await stack.up(replicas=1, extra={"RUTA_RATE_PER_CLIENT": "6000/minute"})
    try:
        await load_demo_data(stack.layout, stack.state.url)
        before = await baseline(stack.databases)
        sender = Sender(stack.state.url, stack.secrets(), history, 1)
        load = Load(sender, await referable_services(stack), 1, workers=2)
        async with load.running():
            most = await capacity(sender, options.capacity_seconds)
            print(f"capacity: {most:.1f} commands/s")
            sender.per_second = SHARE * most
            samples = await soak(stack, sender, options.minutes * 60)
            sender.per_second = None
        growth = samples.growth()
        print(json.dumps(growth))
        burst = await overload(stack.state.url, sender, history, options.overload_seconds)
        print(
            f"overload: {burst.singles:.0f} single commands/s are served without; now"
            f" {burst.asked:.0f}/s are asked, {burst.served:.0f}/s served: {dict(burst.statuses)}"
        )
        print(f"fast again {burst.fast_again_after:.1f} s after the overload ended")
        await load.resolve(history)

        async def drained() -> bool:
            return not any((await waiting(stack.databases)).values())

        emptied = await until(drained, 180, "nothing waits")
        record = await read_record(stack.databases, before)
        findings = check_commands(history, record.changes)
        for layer in record.layers:
            findings += check_layer(layer, {})
        await sender.close()
    finally:
        await stack.down()
    print(f"everything was published {emptied:.1f} s later; {len(history.commands)} commands, ")
    print(f"{len(findings)} findings of the checker {findings[:5]}")
    return {
        "minutes": options.minutes,
        "capacity_per_second": round(most, 1),
        "growth": growth,
        "singles_per_second": round(burst.singles, 1),
        "overload": dict(burst.statuses),
        "asked_per_second": round(burst.asked, 1),
        "served_per_second": round(burst.served, 1),
        "fast_again_after_seconds": round(burst.fast_again_after, 1),
        "commands": len(history.commands),
        "findings": len(findings),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--capacity-seconds", type=float, default=30)
    parser.add_argument("--overload-seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ruta-soak-") as name:
        Path(name).chmod(0o755)
        result = asyncio.run(run(options, Path(name)))
    print(json.dumps(result))
    for name, each in result["growth"].items():
        print(f"  {name}: last third / first third {each['ratio']:.2f} (goal 1.25 at most)")
    print(f"  fast again after {result['fast_again_after_seconds']} s (goal: seconds)")
    print(f"  lost or duplicated: {result['findings']} (goal 0)")
    shed = sum(n for status, n in result["overload"].items() if status in ("429", "503"))
    grown = [n for n, each in result["growth"].items() if n != "outbox" and each["ratio"] > 1.25]
    if result["findings"] or not shed or grown:
        print(f"NOT AS IT SHOULD BE: findings {result['findings']}, shed {shed}, grown {grown}")
        sys.exit(1)


if __name__ == "__main__":
    main()
