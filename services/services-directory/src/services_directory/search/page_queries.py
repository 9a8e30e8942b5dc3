"""One sorted page of what matches, and how much matches: asked level by level, put together in
the same statement."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import begins_above
from services_directory.errors import TOO_DEEP, TOO_WIDE
from services_directory.reading.rows_queries import Row, SelectReader, fetch
from services_directory.reading.statement import Statement
from services_directory.search.bounds import DEEPEST, MOST_RANKED, MOST_SORTED
from services_directory.search.totals import TOTALS, settled


@dataclass
class Matching:
    """A FROM and a WHERE per level over the visible documents, with their values, ready to be
    selected from. `everything` means that nothing but the caller's sight narrows it.

    Each level is read from its own partition: PostgreSQL would find it by the condition, but takes
    a tenth of a millisecond to do so, each time that it plans.
    """

    statement: Statement
    wheres: dict[int, str]
    rank: str | None
    key: Callable[[], str]
    beside: str = ""
    everything: bool = False
    heavy: bool = False
    """Whether finding it costs more than a look at a column: by words, or by the places of sites."""

    @property
    def most(self) -> int:
        """So many matches are put in order, and no more."""
        return MOST_RANKED if self.rank else MOST_SORTED

    def also(self, conditions: Sequence[str]) -> None:
        self.wheres = {
            level: " AND ".join([where, *conditions]) for level, where in self.wheres.items()
        }

    def branch(self, level: int, columns: str) -> str:
        """What matches at one level."""
        return f"SELECT {columns} {self._from(level)} WHERE {self.wheres[level]}"

    def branches(self, columns: str) -> str:
        """All that matches, as one SELECT."""
        return " UNION ALL ".join(self.branch(level, columns) for level in self.wheres)

    def some(self, columns: str) -> str:
        """The same, to one more of each level than may be sorted."""
        return " UNION ALL ".join(
            f"({self.branch(level, columns)} LIMIT {self.most + 1})" for level in self.wheres
        )

    def counts(self) -> str:
        return " + ".join(f"({self.branch(level, 'count(*)')})" for level in self.wheres)

    def _from(self, level: int) -> str:
        return f"FROM service_documents_{level} d{self.beside}"


@dataclass(frozen=True)
class Order:
    """`expression` in `direction` (DESC, NULLS LAST or nothing), then the id named `tie`.

    `walked`: an index is in this order, so that a page is read without what comes after it.
    """

    expression: str
    direction: str = ""
    tie: str = "service_id"
    alias: str = "d"
    walked: bool = False

    def inside(self) -> str:
        return f"{self.expression} {self.direction}, {self.alias}.{self.tie}"

    def outside(self) -> str:
        return f"sorted_by {self.direction}, {self.tie}"


async def page_of(
    session: AsyncSession | SelectReader,
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
    if number * per_page - per_page >= DEEPEST:
        raise TOO_DEEP.because(
            f"Pages are given to the entry number {DEEPEST:,}: narrow the list, or take all entries by"
            " `format=ndjson` or /directory/v1/sync."
        )
    if order.walked and not found.heavy:
        inner = _walked(found, s, columns, order, number, per_page)
        return await _remembering(session, found, s, audience, inner, number, per_page)
    rows = await fetch(
        session, _sorted(found, s, columns, order, number, per_page), s.values, afresh=True
    )
    total = rows[0]["total"] if rows else 0
    if not rows and number > 1:
        total = await _count_some(session, found)
    if total > found.most:
        raise TOO_WIDE.because(
            f"More than {found.most:,} services match: say more by `area`, by `near` with `radius`,"
            " by `category` or by another word."
        )
    return rows, total


def _sorted(
    found: Matching, s: Statement, columns: Sequence[str], order: Order, number: int, per_page: int
) -> str:
    """All that matches has to be read to be sorted, and is counted on the way."""
    listed = ", ".join([*columns, f"{order.expression} AS sorted_by"])
    bounds = _bounds(s, number, per_page)
    return (
        f"SELECT *, count(*) OVER () AS total FROM ({found.some(listed)}) level"
        f" ORDER BY {order.outside()} {bounds}"
    )


def _walked(
    found: Matching, s: Statement, columns: Sequence[str], order: Order, number: int, per_page: int
) -> str:
    listed = ", ".join(columns)
    if len(found.wheres) == 1:
        bounds = _bounds(s, number, per_page)
        return f"{found.branches(listed)} ORDER BY {order.inside()} {bounds}"
    reach = s.argument(number * per_page, "bigint")
    bounds = _bounds(s, number, per_page)
    listed += f", {order.expression} AS sorted_by"
    parts = " UNION ALL ".join(
        f"({found.branch(level, listed)} ORDER BY {order.inside()} LIMIT {reach})"
        for level in found.wheres
    )
    return f"SELECT * FROM ({parts}) level ORDER BY {order.outside()} {bounds}"


def _bounds(s: Statement, number: int, per_page: int) -> str:
    before = s.argument((number - 1) * per_page, "bigint")
    return f"LIMIT {s.argument(per_page, 'bigint')} OFFSET {before}"


async def _remembering(
    session: AsyncSession | SelectReader,
    found: Matching,
    s: Statement,
    audience: Audience,
    inner: str,
    number: int,
    per_page: int,
) -> tuple[list[Row], int]:
    """The page, with what tells whether a total is still true that was counted before."""
    text = (
        f"SELECT {_newest_change(audience.levels)}, p.* FROM (SELECT 1) one"
        f" LEFT JOIN LATERAL ({inner}) p ON true"
    )
    rows = await fetch(session, text, s.values, afresh=True)
    kept = [row for row in rows if row["service_id"] is not None]
    if number == 1 and len(kept) < per_page:
        return kept, len(kept)
    newest = settled(rows[0]["newest"], rows[0]["oldest_running"])
    if newest is None:
        return kept, await _count(session, found, audience)
    key = found.key()
    total = TOTALS.get(key, newest)
    if total is None:
        total = await _count(session, found, audience)
        TOTALS.keep(key, newest, total)
    return kept, total


def _newest_change(levels: tuple[int, ...]) -> str:
    """SQL of two columns: the newest change at these levels and the oldest running writer, as
    text."""
    probes = ", ".join(
        f"(SELECT c.xid FROM service_changes c WHERE c.level = {level} ORDER BY c.xid DESC LIMIT 1)"
        for level in levels
    )
    return (
        f"greatest({probes})::text AS newest,"
        " pg_snapshot_xmin(pg_current_snapshot())::text AS oldest_running"
    )


async def _count_some(session: AsyncSession | SelectReader, found: Matching) -> int:
    text = f"SELECT count(*) AS n FROM ({found.some('1')}) level"
    count: int = (await fetch(session, text, found.statement.values, afresh=True))[0]["n"]
    return count


async def _count(session: AsyncSession | SelectReader, found: Matching, audience: Audience) -> int:
    s, parts = found.statement, found.counts()
    if found.everything and audience.organisation_id is not None:
        s, parts = _sighted(audience)
    rows = await fetch(session, f"SELECT {parts} AS n", s.values, afresh=True)
    total: int = rows[0]["n"]
    return total


def _sighted(audience: Audience) -> tuple[Statement, str]:
    """All that the audience sees: whatever is at its lowest level, which the caller reads at one
    level or another, and of the higher levels what begins there. An index counts the first."""
    s = Statement()
    wheres = [f"d.level = {audience.base}", *begins_above(audience, s.argument)]
    return s, " + ".join(
        f"(SELECT count(*) FROM service_documents d WHERE {where})" for where in wheres
    )
