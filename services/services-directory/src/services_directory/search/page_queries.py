"""One sorted page of what matches, and how much matches: asked level by level, put together in
the same statement."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import Audience, begins_above, either
from services_directory.search.rows_queries import Asks, Row, fetch
from services_directory.search.statement import Statement
from services_directory.search.totals import TOTALS, newest_change, settled


@dataclass
class Matching:
    """A FROM and a WHERE per level over the visible documents, with their values, ready to be
    selected from. `everything` means that nothing but the caller's sight narrows it."""

    statement: Statement
    wheres: list[str]
    rank: str | None
    key: str
    source: str = "service_documents d"
    everything: bool = False

    @property
    def where(self) -> str:
        return either(self.wheres)

    def also(self, conditions: Sequence[str]) -> None:
        self.wheres = [" AND ".join([where, *conditions]) for where in self.wheres]

    def branches(self, columns: str) -> str:
        """All that matches, as one SELECT."""
        return " UNION ALL ".join(
            f"SELECT {columns} FROM {self.source} WHERE {where}" for where in self.wheres
        )


@dataclass(frozen=True)
class Order:
    """`expression` in `direction` (DESC, NULLS LAST or nothing), then the id named `tie`."""

    expression: str
    direction: str = ""
    tie: str = "service_id"
    alias: str = "d"

    def inside(self) -> str:
        return f"{self.expression} {self.direction}, {self.alias}.{self.tie}"

    def outside(self) -> str:
        return f"sorted_by {self.direction}, {self.tie}"


async def page_of(
    session: AsyncSession | Asks,
    found: Matching,
    s: Statement,
    audience: Audience,
    *,
    columns: Sequence[str],
    order: Order,
    number: int,
    per_page: int,
) -> tuple[list[Row], int]:
    """The rows of page `number` and the total. `s` holds the values of `found` and of `columns`."""
    inner = _page(found, s, columns, order, number, per_page)
    text = (
        f"SELECT {newest_change(audience.levels)}, p.* FROM (SELECT 1) one"
        f" LEFT JOIN LATERAL ({inner}) p ON true"
    )
    rows = await fetch(session, text, s.values, afresh=True)
    newest = settled(rows[0]["newest"], rows[0]["oldest_running"])
    kept = [row for row in rows if row["service_id"] is not None]
    total = TOTALS.get(found.key, newest) if newest is not None else None
    if total is None and number == 1 and len(kept) < per_page:
        total = len(kept)
    if total is None:
        total = await _count(session, found, audience)
        if newest is not None:
            TOTALS.keep(found.key, newest, total)
    return kept, total


def _page(
    found: Matching, s: Statement, columns: Sequence[str], order: Order, number: int, per_page: int
) -> str:
    listed = ", ".join(columns)
    before = (number - 1) * per_page
    if len(found.wheres) == 1:
        bounds = f"LIMIT {s.argument(per_page, 'bigint')} OFFSET {s.argument(before, 'bigint')}"
        return (
            f"SELECT {listed} FROM {found.source} WHERE {found.wheres[0]}"
            f" ORDER BY {order.inside()} {bounds}"
        )
    reach = s.argument(before + per_page, "bigint")
    bounds = f"LIMIT {s.argument(per_page, 'bigint')} OFFSET {s.argument(before, 'bigint')}"
    parts = " UNION ALL ".join(
        f"(SELECT {listed}, {order.expression} AS sorted_by FROM {found.source} WHERE {where}"
        f" ORDER BY {order.inside()} LIMIT {reach})"
        for where in found.wheres
    )
    return f"SELECT * FROM ({parts}) level ORDER BY {order.outside()} {bounds}"


async def _count(session: AsyncSession | Asks, found: Matching, audience: Audience) -> int:
    s = found.statement
    wheres = found.wheres
    if found.everything and audience.organisation_id is not None:
        s, wheres = _sighted(audience)
    parts = " + ".join(f"(SELECT count(*) FROM {found.source} WHERE {where})" for where in wheres)
    rows = await fetch(session, f"SELECT {parts} AS n", s.values, afresh=True)
    total: int = rows[0]["n"]
    return total


def _sighted(audience: Audience) -> tuple[Statement, list[str]]:
    """All that the audience sees: whatever is at its lowest level, which the caller reads at one
    level or another, and of the higher levels what begins there. An index counts the first."""
    s = Statement()
    return s, [f"d.level = {audience.base}", *begins_above(audience, s.argument)]
