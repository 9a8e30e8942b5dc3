"""Another checkout against this one, by turns: does a change cost speed?

    python benchmarks/paired.py --before ../ruta-before [--now ../ruta-then] [--of directory] [--rounds 200]

Two runs one after the other can't tell it: on a shared machine each figure moves by half within
minutes. Here both checkouts stand at once, each with its own PostgreSQL and service, and answer in
turn. `referrals`: create + consent + draft + send, and each way to read a queue of 10,000 referrals;
`directory`: its questions over 2,000 services, and a pathway resolved over 2,000 more; `reports`: its
questions over 10,000 referrals.

ratio = the other checkout's median / ours: above 1 ours is faster. Goal: at least 0.9.

The other checkout needs its environment (`./ruta --help` there makes it).
"""

import argparse
import asyncio
import contextlib
import inspect
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx

MEASURER = Path(__file__).resolve()
OWN = MEASURER.parents[1]
SERVICES = 2_000


def import_from_here() -> None:
    """What is imported from now on is that of the working directory."""
    sys.path[:] = [str(Path.cwd()), *(p for p in sys.path if Path(p).resolve() != MEASURER.parent)]


Asked = dict[str, Callable[[], Any]]


@contextlib.asynccontextmanager
async def referrals() -> AsyncIterator[Asked]:
    from common.database import Database
    from referrals.keys.store import create_tables
    from stack.postgres import PostgresServer

    from benchmarks.inbox import FEW, filled, pages
    from benchmarks.referrals import Client, announce, referrals

    with tempfile.TemporaryDirectory(prefix="ruta-bench-") as name:
        folder = Path(name)
        server = PostgresServer(folder / "postgres", durable=True)
        server.start()
        try:
            database = await filled(server, "queue", FEW)
            owner = Database.at(database.owner_url)
            await announce(owner)
            await owner.close()
            keys = server.create_service_database("referral_keys")
            await create_tables(keys.owner_url, keys.app_role)
            with referrals(database, keys, folder) as port:
                client = Client(port)
                yield {"send": client.story, **pages(client)}
        finally:
            server.stop(immediate=True)


@contextlib.asynccontextmanager
async def directory() -> AsyncIterator[Asked]:
    from benchmarks import directory, resolve
    from tests.support.principals import bearer

    headers = bearer("health-cluster", audience="ruta-directory")
    async with contextlib.AsyncExitStack() as running:
        _, served = await running.enter_async_context(directory.filled(SERVICES, None))
        planned = await running.enter_async_context(resolve.filled(SERVICES, None))
        bases = []
        for module, database in ((directory, served), (resolve, planned)):
            folder = running.enter_context(tempfile.TemporaryDirectory(prefix="ruta-bench-"))
            port = running.enter_context(module.directory(database, Path(folder)))
            bases.append(f"http://127.0.0.1:{port}/directory/v1")
        client = running.enter_context(httpx.Client(headers=headers, timeout=60, trust_env=False))

        def read(path: str) -> None:
            client.get(bases[0] + path).raise_for_status()

        def resolved() -> None:
            client.post(f"{bases[1]}/pathways/resolve", json=resolve.PROFILE).raise_for_status()

        found = client.get(f"{bases[0]}/services?per_page=1").json()
        own = (found.get("contents") or found.get("items"))[0]["id"]
        yield {
            "search": partial(read, "/services?search=acompa%C3%B1amiento+mujeres&area=VE2313"),
            "open at a moment": partial(read, "/services?area=VE2313&open_at=2026-11-23T10:00"),
            "one service": partial(read, f"/services/{own}"),
            "page of a list": partial(read, "/services?per_page=25&page=3"),
            "changes since a moment": partial(
                read, "/services?modified_after=2020-01-01T00:00:00Z"
            ),
            "resolve": resolved,
        }


@contextlib.asynccontextmanager
async def reports() -> AsyncIterator[Asked]:
    from stack.postgres import PostgresServer

    from benchmarks.reports import QUESTIONS, app_over
    from tests.support.principals import bearer, write_internal_jwks

    with tempfile.TemporaryDirectory(prefix="ruta-bench-") as name:
        server = PostgresServer(Path(name) / "postgres", durable=False)
        server.start()
        try:
            jwks = write_internal_jwks(Path(name) / "jwks.json")
            client, release_id = await app_over(server, jwks, 10_000)
            headers = bearer("im-officer", audience="ruta-reporting")

            async def ask(url: str) -> None:
                answer = await client.get(url.format(id=release_id), headers=headers)
                answer.raise_for_status()

            yield {question: partial(ask, url) for question, url in QUESTIONS.items()}
        finally:
            server.stop(immediate=True)


SUBJECTS = {"referrals": referrals, "directory": directory, "reports": reports}


async def measurer(subject: str) -> None:
    """Serve the checkout of the working directory: a name in, seconds out, one line each."""
    import_from_here()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what filling a database tells is no answer
    async with SUBJECTS[subject]() as asked:
        print(json.dumps(list(asked)), file=answers)
        for line in sys.stdin:
            start = time.perf_counter()
            answered = asked[line.strip()]()
            if inspect.isawaitable(answered):
                await answered
            print(time.perf_counter() - start, file=answers)


class Checkout:
    """A checkout that answers one question at a time."""

    def __init__(self, folder: Path, subject: str, running: contextlib.ExitStack) -> None:
        self._process = running.enter_context(
            subprocess.Popen(
                [str(folder / ".venv/bin/python"), str(MEASURER), "--measurer", "--of", subject],
                cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        running.callback(self._close)
        self.names: list[str] = json.loads(self._line())

    def seconds(self, name: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a checkout stopped; what it said stands above")
        return line

    def _close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def compare(before: Path, now: Path, subject: str, rounds: int) -> None:
    with contextlib.ExitStack() as running:
        checkouts = [Checkout(folder, subject, running) for folder in (before, now)]
        ratios = []
        for name in (each for each in checkouts[1].names if each in checkouts[0].names):
            times: list[list[float]] = [[], []]
            for at in range(rounds + 20):
                for number in (0, 1) if at % 2 else (1, 0):
                    taken = checkouts[number].seconds(name)
                    if at >= 20:
                        times[number].append(taken)
            other, ours = (statistics.median(each) * 1000 for each in times)
            ratios.append(other / ours)
            print(f"{name}: {other:.2f} ms before, {ours:.2f} ms now; ratio {other / ours:.2f}")
        print(f"worst ratio {min(ratios):.2f} (goal 0.9 at least)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="the other checkout's folder")
    parser.add_argument("--now", type=Path, default=OWN, help="instead of this checkout")
    parser.add_argument("--of", choices=SUBJECTS, default="referrals")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--measurer", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measurer:
        asyncio.run(measurer(chosen.of))
    elif chosen.before is None:
        print("No --before: give the folder of another checkout; nothing was measured.")
    else:
        compare(chosen.before.resolve(), chosen.now.resolve(), chosen.of, chosen.rounds)


if __name__ == "__main__":
    main()
