"""HSDS packages of every version and the official examples: what of them comes in, and how fast.

    python benchmarks/import.py [--services 500] [--large 5000]

Fidelity: each cell of a package is looked for in the services that are made of it, without trusting
the import's own account; of what is not there the account must tell. Goals: at least 99.5 % came in
or told, none silent.

Speed is that of reading, mapping and validating (what a dry run does beside asking the database), in
services per second of processor time; the yardstick beside it is Python's own csv module reading the
same cells. Linear: `--large` services may cost per service at most 1.3 times what `--services` do.
Memory is the process's growth over `--large`.
"""

import argparse
import csv
import io
import sys
import tempfile
import time
import zipfile
from datetime import date
from itertools import islice
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from services_directory.imports.outcomes.mapped import validated_together
from services_directory.imports.outcomes.report import Report
from services_directory.imports.package import open_package
from services_directory.imports.service import BATCH
from services_directory.imports.source import Options

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.hsds_packages import VERSIONS, official_packages, write_package  # noqa: E402 - after the path
from tests.support.package_fidelity import Compared, compared  # noqa: E402 - after the path
from tests.support.reference import reference_folder  # noqa: E402 - after the path

GOAL = 0.995
STEEPEST = 1.3
_terminal = Console(highlight=False, soft_wrap=True)


def seconds_of(path: Path) -> tuple[int, float]:
    """(services, processor seconds) of reading, mapping and validating."""
    began = time.process_time()
    count = 0
    with Report() as report, open_package(path, Options(date(2026, 11, 25), source="x")) as source:
        report.fidelity = source.fidelity
        rows = source.rows
        while batch := list(islice(rows, BATCH)):
            services = [mapped for mapped in batch if not mapped.organization]
            for mapped in batch:
                if mapped.organization:
                    report.bring(mapped, "created")
            validated_together(services)
            for mapped in services:
                report.add(mapped, None)
            count += len(services)
        source.left_behind()
    return count, time.process_time() - began


def csv_seconds(path: Path) -> float:
    began = time.process_time()
    with zipfile.ZipFile(path) as package:
        for name in package.namelist():
            for _ in csv.DictReader(io.TextIOWrapper(package.open(name), "utf-8")):
                pass
    return time.process_time() - began


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--services", type=int, default=500)
    asked.add_argument("--large", type=int, default=5_000)
    given = asked.parse_args()
    table = Table("package", "cells", "came in", "told", "silent", "share", "services/s", "× csv")
    holds = True
    with tempfile.TemporaryDirectory(prefix="ruta-bench-import-") as name:
        folder = Path(name)
        examples = reference_folder() / "hsds" / "examples"
        packages = official_packages(examples, folder) if examples.is_dir() else {}
        for version in VERSIONS:
            packages[version] = write_package(folder / f"{version}.zip", version, given.services)
        rates: dict[str, float] = {}
        for label, path in packages.items():
            found: Compared = compared(path)
            count, took = seconds_of(path)
            rates[label] = count / took
            silent = sum(found.silent.values())
            holds = holds and found.share >= GOAL and not silent
            table.add_row(
                label, f"{found.cells:,}", f"{found.came_in:,}", f"{found.told:,}", str(silent),
                f"{found.share:.2%}", f"{rates[label]:,.0f}", f"{took / csv_seconds(path):.1f}",
            )  # fmt: skip
        _terminal.print(table)
        large = write_package(folder / "large.zip", VERSIONS[-2], given.large)
        before = psutil.Process().memory_info().rss
        count, took = seconds_of(large)
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        steepness = rates[VERSIONS[-2]] / (count / took)
        print(f"{count:,} services: {count / took:,.0f}/s, {grown:,.0f} MiB more memory")
        print(
            f"fidelity holds: {holds}; cost per service against {given.services:,}: {steepness:.2f}"
        )
    return 0 if holds and steepness <= STEEPEST else 1


if __name__ == "__main__":
    sys.exit(main())
