"""Another checkout against this one, by turns: does a change cost speed?

    python benchmarks/paired.py --before ../ruta-before [--rounds 200]

Two runs one after the other can't tell it: on a shared machine each figure moves by half within
minutes. Here both checkouts stand at once, each with its own PostgreSQL and referrals service, and
answer in turn: create + consent + draft + send, and each way to read a queue of 10,000 referrals.

ratio = the other checkout's median / ours: above 1 ours is faster. Goal: at least 0.9.

The other checkout needs its environment (`./ruta --help` there makes it).
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEASURER = Path(__file__).resolve()
OWN = MEASURER.parents[1]


def import_from_here() -> None:
    """What is imported from now on is that of the working directory."""
    sys.path[:] = [str(Path.cwd()), *(p for p in sys.path if Path(p).resolve() != MEASURER.parent)]


async def measurer() -> None:
    """Serve the checkout of the working directory: a name in, seconds out, one line each."""
    import_from_here()
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
                asked = {"send": client.story, **pages(client)}
                print(json.dumps(list(asked)), flush=True)
                for line in sys.stdin:
                    start = time.perf_counter()
                    asked[line.strip()]()
                    print(time.perf_counter() - start, flush=True)
        finally:
            server.stop(immediate=True)


class Checkout:
    """A checkout that answers one question at a time."""

    def __init__(self, folder: Path, running: contextlib.ExitStack) -> None:
        self._process = running.enter_context(
            subprocess.Popen(
                [str(folder / ".venv/bin/python"), str(MEASURER), "--measurer"],
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


def compare(before: Path, rounds: int) -> None:
    with contextlib.ExitStack() as running:
        checkouts = [Checkout(folder, running) for folder in (before, OWN)]
        ratios = []
        for name in checkouts[1].names:
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
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--measurer", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measurer:
        asyncio.run(measurer())
    elif chosen.before is None:
        print("No --before: give the folder of another checkout; nothing was measured.")
    else:
        compare(chosen.before.resolve(), chosen.rounds)


if __name__ == "__main__":
    main()
