"""Closing a large release in another checkout and in this one, in one run: does protection cost time?

    python benchmarks/closing.py --before ../ruta-before [--persons 1000000]

Both checkouts fill a PostgreSQL of their own with the same persons and close the five-dimension release of
them, in turn, each time in a new database. What counts is processor time, of the service and
of its database: seconds on a machine that does other work say little.

ratio = processor time of this checkout / of the other. Goal: at most 1.2.

The other checkout is read with this one's environment.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

MEASURER = Path(__file__).resolve()
OWN = MEASURER.parents[1]
GOAL = 1.2


def import_from_here() -> None:
    """What is imported from now on is that of the working directory."""
    sys.path[:] = [str(Path.cwd()), *(p for p in sys.path if Path(p).resolve() != MEASURER.parent)]


async def measurer(persons: int) -> None:
    """Fill a new database and close it, at each line that is read; prints seconds, processor time here and
    of the database."""
    import_from_here()
    from common.database import Database
    from stack.postgres import PostgresServer

    from benchmarks import reports
    from tests.support.databases import MigratedDatabases

    with tempfile.TemporaryDirectory(prefix="ruta-bench-") as name:
        server = PostgresServer(Path(name) / "postgres", durable=False)
        server.start()
        try:
            assert server.process is not None
            postmaster = server.process.pid
            databases = MigratedDatabases(server)
            for number, _ in enumerate(sys.stdin):
                made: Any = await databases.of("reporting", f"closing_{number}")
                database = Database.at(made.app_url)
                await reports.fill_steps(database, persons)
                before, started = processor_times(postmaster), time.perf_counter()
                await reports.release(database)
                seconds = time.perf_counter() - started
                here, there = (
                    b - a for a, b in zip(before, processor_times(postmaster), strict=True)
                )
                print(seconds, here, there, flush=True)
                await database.close()
        finally:
            server.stop(immediate=True)


def processor_times(postmaster: int) -> tuple[float, float]:
    """Of this process, and of PostgreSQL's that serve it."""
    spent = 0.0
    for each in psutil.Process(postmaster).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(each.cpu_times()[:2])
    return time.process_time(), spent


class Checkout:
    """A checkout that fills and closes at a word."""

    def __init__(self, folder: Path, persons: int, running: contextlib.ExitStack) -> None:
        paths = [str(each) for each in (folder, *folder.glob("*/src"), *folder.glob("*/*/src"))]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, str(MEASURER), "--measurer", "--persons", str(persons)]
        self._process = running.enter_context(
            subprocess.Popen(
                command, cwd=folder, env=environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        running.callback(self._close)

    def close_one(self) -> list[float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a checkout stopped; what it said stands above")
        return [float(each) for each in line.split()]

    def _close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def compare(before: Path, persons: int, runs: int) -> int:
    with contextlib.ExitStack() as running:
        checkouts = [Checkout(each, persons, running) for each in (before, OWN)]
        spent = [0.0, 0.0]
        for _ in range(runs):
            for number, name in enumerate(("before", "now")):
                seconds, here, there = checkouts[number].close_one()
                spent[number] += here + there
                print(
                    f"{name}: {persons:,} persons closed in {seconds:.1f} s; processor time"
                    f" {here:.1f} s here, {there:.1f} s in the database",
                    flush=True,
                )
    ratio = spent[1] / spent[0]
    print(f"ratio {ratio:.2f} (≤ {GOAL})")
    return int(ratio > GOAL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="the other checkout's folder")
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--measurer", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measurer:
        asyncio.run(measurer(chosen.persons))
    elif chosen.before is None:
        print("No --before: give the folder of another checkout; nothing was measured.")
    else:
        raise SystemExit(compare(chosen.before.resolve(), chosen.persons, chosen.runs))


if __name__ == "__main__":
    main()
