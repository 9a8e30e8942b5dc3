"""Whether services are found in people's words: judged questions over a fixed set of services.

    python benchmarks/search.py

success@5 = the share of questions one of whose services is among the first five. Goal: at least 0.9
in each language on the half of the questions that was held back. Yardsticks on the same rows: what
PostgreSQL finds by itself (the language's own configuration, all words, ts_rank) and BM25 (Okapi,
rank_bm25; folded words).
"""

import asyncio
import csv
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import sqlalchemy as sa
from common.database import Database
from common.places import folded
from common.sight import ANYONE
from rank_bm25 import BM25Okapi  # type: ignore[import-untyped]
from services_directory.followers_service import declare_followers
from services_directory.imports.schemas import Mode
from services_directory.imports.service import Order, take_in
from services_directory.search import queries
from services_directory.search.parameters import ServiceQuery
from stack.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.services.directory.search.asked import (  # noqa: E402 - after the path
    FIRST,
    SERVICES,
    Search,
    success,
)
from tests.support.databases import MigratedDatabases  # noqa: E402 - after the path
from tests.support.principals import principal  # noqa: E402 - after the path

GOAL = 0.9
CONFIGURATIONS = {"es": "spanish", "en": "english"}
TODAY = date(2026, 11, 26)


def ours(database: Database) -> Search:
    async def search(text: str) -> list[str]:
        query = ServiceQuery(search=text, per_page=FIRST)
        async with database.transaction() as session:
            found = await queries.service_page(session, query, ANYONE, TODAY, "list_body")
        return [orjson.loads(row["body"])["name"] for row in found.rows]

    return search


def postgresql(database: Database, configuration: str) -> Search:
    statement = sa.text(
        "SELECT name FROM (SELECT d.name, to_tsvector(CAST(:c AS regconfig), d.text) AS v FROM judged d)"
        " x, websearch_to_tsquery(CAST(:c AS regconfig), :q) q WHERE v @@ q"
        " ORDER BY ts_rank(v, q) DESC, name LIMIT :n"
    )

    async def search(text: str) -> list[str]:
        given = {"c": configuration, "q": text, "n": FIRST}
        async with database.transaction() as session:
            return list(await session.scalars(statement, given))

    return search


def bm25(rows: list[tuple[str, str]]) -> Search:
    index = BM25Okapi([folded(text).split() for _, text in rows])

    async def search(text: str) -> list[str]:
        scores = index.get_scores(folded(text).split())
        best = sorted(range(len(rows)), key=lambda at: -scores[at])[:FIRST]
        return [rows[at][0] for at in best if scores[at] > 0]

    return search


async def texts(database: Database) -> list[tuple[str, str]]:
    """Each service with all text that ours is searched in."""
    async with database.transaction() as session:
        rows = await session.execute(
            sa.text("SELECT name, document::text FROM service_documents WHERE level = 0")
        )
        return [(row.name, " ".join(_strings(orjson.loads(row.document)))) for row in rows]


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return [value] if isinstance(value, str) else []


async def measure(server: PostgresServer) -> bool:
    made = await MigratedDatabases(server).of("services_directory", "directory")
    database = Database.at(made.owner_url, name="bench")
    who = principal("im-officer")
    declare_followers()
    given = Order("services.csv", SERVICES.read_bytes(), None, Mode.ALL, dry_run=False,
                  visibility=None, country="", source="judged")  # fmt: skip
    async with database.transaction(who) as session:
        await take_in(session, who, given)
    rows = await texts(database)
    async with database.transaction() as session:
        await session.execute(sa.text("CREATE TABLE judged (name text, text text)"))
        await session.execute(
            sa.text("INSERT INTO judged VALUES (:name, :text)"),
            [{"name": name, "text": text} for name, text in rows],
        )
    others: dict[str, Callable[[str], Search]] = {
        "PostgreSQL": lambda language: postgresql(database, CONFIGURATIONS[language]),
        "BM25": lambda _: bm25(rows),
    }
    held = True
    with (SERVICES.parent / "questions.csv").open(encoding="utf-8") as table:
        print(f"{sum(1 for _ in csv.DictReader(table))} questions over {len(rows)} services")
    for language in ("es", "en"):
        for half in ("tuned", "held"):
            own = await success(ours(database), language, half)
            shares = {
                name: (await success(other(language), language, half)).share
                for name, other in others.items()
            }
            beside = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
            goal = f" (goal {GOAL})" if half == "held" else ""
            print(
                f"  {language}, {half} half, {own.asked} questions: success@{FIRST}"
                f" {own.share:.3f}{goal}; {beside}"
            )
            held = held and (half == "tuned" or own.share >= GOAL)
    await database.close()
    return held


def main() -> None:
    with TemporaryDirectory(prefix="ruta-bench-") as folder:
        server = PostgresServer(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            held = asyncio.run(measure(server))
        finally:
            server.stop(immediate=True)
    if not held:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
