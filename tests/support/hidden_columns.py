"""Finds the columns that contain data of a hidden service, and the rule for each."""

import csv
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

LISTED = Path(__file__).parents[1] / "services" / "hidden_columns.csv"
Columns = dict[tuple[str, str], set[int | None]]


def listed(service: str) -> dict[tuple[str, str], str]:
    """Return, by table and column, the rule that hides the column from callers who may not see the service."""
    with LISTED.open(encoding="utf-8", newline="") as file:
        return {
            (row["table"], column): row["what"]
            for row in csv.DictReader(file)
            if row["service"] == service
            for column in row["columns"].split()
        }


async def holding(session: AsyncSession, said: tuple[str, ...]) -> Columns:
    """Return the columns of all tables that contain one of these texts, with the levels of the rows."""
    forms = {form for word in said for form in (word, word.capitalize())}
    patterns = [f"%{form}%" for form in (*said, *(each.encode().hex() for each in forms))]
    found: Columns = {}
    tables = await session.scalars(
        sa.text(
            "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND NOT relispartition AND relnamespace = 'public'::regnamespace"
        )
    )
    for table in tables.all():
        rows = await session.execute(
            sa.text(
                "SELECT DISTINCT v.key, substring(to_jsonb(t)->>'level' FROM '^[0-9]$')::int"
                f" FROM {table} t, jsonb_each_text(to_jsonb(t)) v WHERE v.value ILIKE ANY(:any)"
            ),
            {"any": patterns},
        )
        for column, level in rows.all():
            found.setdefault((table, column), set()).add(level)
    return found
