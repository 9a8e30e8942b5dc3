"""The import of HSDS packages of every version and the official examples.
The benchmark measures how fast it is.

    python benchmarks/import.py [--services 500] [--large 5000] [--database 1000]

The speed is that of reading, mapping and validating (a dry run's work besides database queries), in services per second
of processor time. The yardstick is Python's own csv module, which reads the same cells. The cost must be linear:
`--large` services may cost per service at most 1.3 times what `--services` do. Memory is the process's growth over
`--large`.

With a database, the worker imports a package of `--database` services: a dry run on an empty directory, then a real
import, then the same package unchanged. It measures processor time of this process and of PostgreSQL. The yardstick is
a COPY of all resulting rows into the same tables with the same indexes. `--database 0` skips this part.
"""

import argparse
import asyncio
import csv
import io
import shutil
import sys
import tempfile
import time
import zipfile
from datetime import date
from itertools import islice
from pathlib import Path

import asyncpg
import psutil
from common.db.session import Database
from common.process.http_server import collect_seldom
from directory.files.imports import queries
from directory.files.imports.options import Options
from directory.files.imports.outcomes.mapped import validated
from directory.files.imports.outcomes.report import Report
from directory.files.imports.package import open_package
from directory.files.imports.schemas import Mode, import_out
from directory.files.imports.service import BATCH, Order, take_in
from directory.files.imports.worker import work_one
from directory.followers_service import declare_followers
from rich.console import Console
from rich.table import Table
from stack.embedded.postgres import PostgresServer, ServiceDatabase

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.hsds_packages import VERSIONS, official_packages, write_package  # noqa: E402 - after the path
from tests.support.principals import principal  # noqa: E402 - after the path
from tests.support.reference import reference_folder  # noqa: E402 - after the path

STEEPEST = 1.3
_terminal = Console(highlight=False, soft_wrap=True)


def seconds_of(path: Path) -> tuple[int, float]:
    """Return (services, processor seconds) for reading, mapping and validating."""
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
            for mapped in services:
                validated(mapped)
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


async def with_database(services: int, content: bytes) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ruta-bench-import-"))
    server = PostgresServer(folder / "postgres", durable=False)
    server.start()
    try:
        made = await MigratedDatabases(server).of("directory", "directory")
        declare_followers()
        await _import_thrice(server, made, services, content)
    finally:
        server.stop(immediate=True)
        shutil.rmtree(folder, ignore_errors=True)


async def _import_thrice(
    server: PostgresServer, made: ServiceDatabase, services: int, content: bytes
) -> None:
    database = Database.at(made.app_url, name="bench")
    took: dict[str, float] = {}
    for title, dry_run in (("dry", True), ("new", False), ("unchanged", False)):
        await _import(database, content, dry_run=True)  # Loads data read only once, and plans.
        before = _spent(server)
        done = await _import(database, content, dry_run=dry_run)
        took[title] = _spent(server) - before
        print(f"{title}: {services / took[title]:,.0f} services/s of processor time ({done})")
    await database.close()
    copied, rows = await _copy_seconds(server, made)
    print(
        f"COPY of the {rows:,} rows it ends in: {copied:.2f} s of {took['new']:.2f},"
        f" ratio {copied / took['new']:.2f}; new services: {rows / took['new']:,.0f} rows/s (goal 1,500)"
    )


async def _import(database: Database, content: bytes, *, dry_run: bool) -> str:
    who = principal("im-officer")
    order = Order("package.zip", content, None, Mode.ALL, dry_run, "partners", "", "bench")
    async with database.transaction(who) as session:
        import_id = await take_in(session, who, order)
    while await work_one(database):
        pass
    async with database.transaction() as session:
        done = import_out(await queries.import_of(session, who, import_id))
    return f"{done.state.value}, {done.rows.read:,} rows, {done.services.model_dump_json()}"


def _spent(server: PostgresServer) -> float:
    """Return processor seconds of this process and all current PostgreSQL processes."""
    its = psutil.Process(int((server.cluster / "postmaster.pid").read_text().split()[0]))
    times = [each.cpu_times() for each in its.children()]
    return time.process_time() + sum(each.user + each.system for each in times)


async def _copy_seconds(server: PostgresServer, made: ServiceDatabase) -> tuple[float, int]:
    url = made.owner_url.replace("postgresql+asyncpg://", "postgresql://")
    connection = await asyncpg.connect(url)
    tables = await connection.fetch(
        "SELECT c.oid::regclass::text AS name, (SELECT array_agg(attname::text ORDER BY attnum)"
        " FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')"
        " AS columns FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    seconds, rows = 0.0, 0
    for table in tables:
        name, columns = table["name"], table["columns"]
        held = io.BytesIO()
        await connection.copy_from_table(name, columns=columns, output=held, format="binary")
        await connection.execute(f"CREATE TEMP TABLE copied (LIKE {name} INCLUDING ALL)")
        held.seek(0)
        before = _spent(server)
        told = await connection.copy_to_table(
            "copied", columns=columns, source=held, format="binary"
        )
        seconds += _spent(server) - before
        rows += int(told.split()[-1])
        await connection.execute("DROP TABLE copied")
    await connection.close()
    return seconds, rows


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--services", type=int, default=500)
    asked.add_argument("--large", type=int, default=5_000)
    asked.add_argument("--database", type=int, default=1_000)
    given = asked.parse_args()
    collect_seldom()  # As the service does.
    table = Table("package", "services/s", "× csv")
    with tempfile.TemporaryDirectory(prefix="ruta-bench-import-") as name:
        folder = Path(name)
        examples = reference_folder() / "hsds" / "examples"
        packages = official_packages(examples, folder) if examples.is_dir() else {}
        for version in VERSIONS:
            packages[version] = write_package(folder / f"{version}.zip", version, given.services)
        for label, path in packages.items():
            count, took = seconds_of(path)
            table.add_row(label, f"{count / took:,.0f}", f"{took / csv_seconds(path):.1f}")
        _terminal.print(table)
        large = write_package(folder / "large.zip", VERSIONS[-2], given.large)
        before = psutil.Process().memory_info().rss
        count, took = seconds_of(large)
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        few, beside = seconds_of(
            packages[VERSIONS[-2]]
        )  # Measure it again, because the machine's load may have changed.
        steepness = (few / beside) / (count / took)
        print(f"{count:,} services: {count / took:,.0f}/s, {grown:,.0f} MiB more memory")
        print(f"cost per service against {given.services:,}: {steepness:.2f}")
        if given.database:
            path = write_package(folder / "database.zip", VERSIONS[-2], given.database)
            asyncio.run(with_database(given.database, path.read_bytes()))
    return 0 if steepness <= STEEPEST else 1


if __name__ == "__main__":
    sys.exit(main())
