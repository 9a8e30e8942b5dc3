"""Reads one sorted page of matches and counts the matches. One statement queries each level and merges the results."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.sight import Audience
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import TOO_DEEP, TOO_WIDE
from directory.ground.access import begins_above
from directory.ground.reading import bounds
from directory.ground.reading.bounds import DEEPEST, MOST_RANKED, MOST_SORTED
from directory.ground.reading.rows_queries import Row, fetch
from directory.ground.reading.statement import Statement


@dataclass
class Matching:
    """The FROM and WHERE clauses of a search for each level, with their values. `everything` means that only visibility
    limits the matches. Each level is read from its own partition by name, which saves PostgreSQL a tenth of a
    millisecond of planning per query."""

    statement: Statement
    wheres: dict[int, str]
    rank: str | None
    key: Callable[[], str]
    beside: str = ""
    table: str = "service_documents"
    """The table whose rows match."""
    alone: bool = False
    """Finds sites without reading their services; only the page joins them."""
    everything: bool = False
    heavy: bool = False
    """Whether matching costs more than comparing a column: by words, or by the places of sites."""
    left: tuple[Statement, str] | None = None
    """The documents that the indexes leave, if they may be many and each must be read."""

    @property
    def most(self) -> int:
        """Return the largest number of matches that a search sorts."""
        return MOST_RANKED if self.rank else MOST_SORTED

    def also(self, conditions: Sequence[str]) -> None:
        self.wheres = {
            level: " AND ".join([where, *conditions]) for level, where in self.wheres.items()
        }

    def branch(self, level: int, columns: str) -> str:
        """Select the matches at one level."""
        return f"SELECT {columns} {self._from(level)} WHERE {self.wheres[level]}"

    def branches(self, columns: str) -> str:
        """Select the matches at all levels."""
        return " UNION ALL ".join(self.branch(level, columns) for level in self.wheres)

    def some(self, columns: str, most: int | None = None) -> str:
        """Select at most one more match than may be sorted, in total and per level."""
        if len(self.wheres) == 1:
            return f"{self.branches(columns)} LIMIT {(most or self.most) + 1}"
        end = f"LIMIT {(most or self.most) + 1}"
        each = " UNION ALL ".join(f"({self.branch(level, columns)} {end})" for level in self.wheres)
        return f"{each} {end}"

    def counts(self) -> str:
        return " + ".join(f"({self.branch(level, 'count(*)')})" for level in self.wheres)

    def _from(self, level: int) -> str:
        if self.alone:
            return f"FROM site_documents_{level} s"
        return f"FROM service_documents_{level} d{self.beside}"


@dataclass(frozen=True)
class Order:
    """Sorts by `expression` in `direction` (DESC, NULLS LAST or nothing), then by the id column `tie`. `walked` means
    that an index has this order, so the query reads no rows beyond the page."""

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
    session: AsyncSession,
    found: Matching,
    s: Statement,
    audience: Audience,
    *,
    columns: Sequence[str],
    order: Order,
    number: int,
    per_page: int,
) -> tuple[list[Row], int]:
    """Return the rows of page `number` and the total. `s` contains the values of `found` and of `columns`."""
    deepest = DEEPEST // (2 if audience.aors else 1)
    if number * per_page - per_page >= deepest:
        raise TOO_DEEP.because("pages_are_given_to_entry_number_narrow", f"{deepest:,}")
    if found.left is not None and not found.everything:
        await _hold_few(session, *found.left, found, audience)
    most = found.most
    if order.walked and not found.heavy:
        if found.everything:
            inner = _walked(found, s, columns, order, number, per_page)
            return await _remembering(session, found, s, audience, inner, number, per_page)
        # Matches may be rare or late in the index order, so an index scan could read everything. Sorting is cheap,
        # because the number of remaining documents is limited.
        most = bounds.MOST_READ
    text = _sorted(found, s, columns, order, number, per_page, most)
    rows = await fetch(session, text, s)
    total = rows[0]["total"] if rows else 0
    if not rows and number > 1:
        total = await _count_some(session, found, most)
    if total > most:
        raise TOO_WIDE.because("more_than_services_match_say_more", f"{most:,}")
    return rows, total


BEST = 200


async def best_of(
    session: AsyncSession,
    found: Matching,
    *,
    columns: Sequence[str],
    score: str,
    number: int,
    per_page: int,
) -> tuple[list[Row], int]:
    """Return a page for a search with too many matches to sort. Take the `BEST` matches of the highest quality, and
    sort them by text rank."""
    s = found.statement.fork()
    order = Order("d.quality", "DESC")
    keys = _merged(found, s, ["d.level", "d.service_id"], order, 1, BEST)
    text = (
        f"SELECT {', '.join(columns)}, count(*) OVER () AS total FROM ({keys}) k"
        f" {_fetched(order, list(found.wheres))}"
        f" ORDER BY {score} DESC, d.service_id {_bounds(s, number, per_page)}"
    )
    rows = await fetch(session, text, s)
    return rows, rows[0]["total"] if rows else BEST


async def _hold_few(
    session: AsyncSession,
    s: Statement,
    left: str,
    found: Matching,
    audience: Audience,
) -> None:
    """Refuse a search whose indexed conditions leave too many documents. The matches of a rare condition, or a total,
    are known only after reading all of them. The result is cached like totals, so the next page checks only for
    changes."""
    most = bounds.MOST_READ // (2 if audience.aors else 1)
    if found.beside or found.rank:  # each document also needs a check of its sites or its text
        most //= 2
    key, newest = f"few|{most}|{found.key()}", _newest_change(audience.levels)
    if TOTALS.knows(key):
        (now,) = await fetch(session, f"SELECT {newest}", Statement())
        moment = settled(now["newest"], now["oldest_running"])
        if moment is not None and TOTALS.get(key, moment) is not None:
            return
    counted = f"(SELECT count(*) FROM ({left} LIMIT {most + 1}) left_over) AS n"
    (row,) = await fetch(session, f"SELECT {newest}, {counted}", s)
    if row["n"] <= most:
        moment = settled(row["newest"], row["oldest_running"])
        if moment is not None:
            TOTALS.keep(key, moment, row["n"])
    else:
        raise TOO_WIDE.because("more_than_services_would", f"{most:,}")


def _sorted(
    found: Matching,
    s: Statement,
    columns: Sequence[str],
    order: Order,
    number: int,
    per_page: int,
    most: int,
) -> str:
    """Return the SQL that sorts and counts all matches by id, then fetches the page. A whole row is a hundred times as
    wide as an id."""
    bounds = _bounds(s, number, per_page)
    own = f"{order.alias}.level, {order.alias}.{order.tie}"
    keys = (
        "SELECT *, count(*) OVER () AS total"
        f" FROM ({found.some(f'{own}, {order.expression} AS sorted_by', most)}) level"
        f" ORDER BY {order.outside()} {bounds}"
    )
    return (
        f"SELECT {', '.join(columns)}, k.total FROM ({keys}) k {_fetched(order, list(found.wheres))}"
        f" ORDER BY k.sorted_by {order.direction}, k.{order.tie}"
    )


def _fetched(order: Order, levels: Sequence[int]) -> str:
    """Return the SQL that joins the rows for the keys `k`. Naming the levels again avoids planning for other
    partitions, which takes longer than reading a page."""
    documents = f"service_documents_{levels[0]}" if len(levels) == 1 else "service_documents"
    named = "" if len(levels) == 1 else f" AND d.level IN ({', '.join(map(str, levels))})"
    if order.alias == "d":
        return f"JOIN {documents} d ON d.level = k.level AND d.service_id = k.service_id{named}"
    return (
        "JOIN site_documents s ON s.level = k.level AND s.site_id = k.site_id"
        f"{named.replace('d.', 's.')}"
        f" JOIN {documents} d ON d.level = s.level AND d.service_id = s.service_id{named}"
    )


def _walked(
    found: Matching, s: Statement, columns: Sequence[str], order: Order, number: int, per_page: int
) -> str:
    if found.alone:
        keys = _merged(found, s, ["s.level", "s.site_id"], order, number, per_page)
        return (
            f"SELECT {', '.join(columns)} FROM ({keys}) k {_fetched(order, list(found.wheres))}"
            f" ORDER BY {order.inside()}"
        )
    return _merged(found, s, columns, order, number, per_page)


def _merged(
    found: Matching, s: Statement, columns: Sequence[str], order: Order, number: int, per_page: int
) -> str:
    """Return the SQL of a page that merges the first rows of each level."""
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


def _newest_change(levels: Sequence[int]) -> str:
    """Return the SQL for two text columns: the newest change at these levels, and the oldest running writer."""
    probes = ", ".join(
        f"(SELECT c.xid FROM service_changes c WHERE c.level = {level} ORDER BY c.xid DESC LIMIT 1)"
        for level in levels
    )
    return (
        f"greatest({probes})::text AS newest,"
        " pg_snapshot_xmin(pg_current_snapshot())::text AS oldest_running"
    )


async def _remembering(
    session: AsyncSession,
    found: Matching,
    s: Statement,
    audience: Audience,
    inner: str,
    number: int,
    per_page: int,
) -> tuple[list[Row], int]:
    """Read the page and the markers that say whether a cached total is still valid. Even an empty page returns one row
    with the markers."""
    text = (
        f"SELECT {_newest_change(audience.levels)}, p.* FROM (SELECT 1) one"
        f" LEFT JOIN LATERAL ({inner}) p ON true"
    )
    rows = await fetch(session, text, s)
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


async def _count_some(session: AsyncSession, found: Matching, most: int) -> int:
    text = f"SELECT count(*) AS n FROM ({found.some('1', most)}) level"
    count: int = (await fetch(session, text, found.statement))[0]["n"]
    return count


async def _count(session: AsyncSession, found: Matching, audience: Audience) -> int:
    s, parts = (
        _sighted(found.table, audience) if found.everything else (found.statement, found.counts())
    )
    rows = await fetch(session, f"SELECT {parts} AS n", s)
    total: int = rows[0]["n"]
    return total


def _sighted(table: str, audience: Audience) -> tuple[Statement, str]:
    """Select the number of documents that the audience sees. That is all documents at its lowest level, counted by an
    index, plus those that exist only at higher levels."""
    s = Statement()
    wheres = [f"d.level = {audience.base}"]
    if audience.organisation_id is not None:
        wheres += begins_above(audience, s.argument)
    return s, " + ".join(f"(SELECT count(*) FROM {table} d WHERE {where})" for where in wheres)


# A total is cached only if no transaction older than the newest change is still running. The change of such a
# transaction would not raise the newest id, which is the cache key.
_KEPT = 4_096


class Totals:
    """A cache of exact counts by audience and filters."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def get(self, key: str, newest: str) -> int | None:
        found = self._known.get(key)
        if found is None or found[0] != newest:
            return None
        self._known.move_to_end(key)
        return found[1]

    def knows(self, key: str) -> bool:
        """Return whether the cache has a count for the key, even an outdated one."""
        return key in self._known

    def keep(self, key: str, newest: str, total: int) -> None:
        self._known[key] = (newest, total)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def forget(self) -> None:
        self._known.clear()


TOTALS = Totals()


def settled(newest: str | None, oldest_running: str) -> str | None:
    """Return the key under which a total may be cached. Return None while a writer older than the newest change is
    running, because its change would not raise the key."""
    if newest is None:
        return "none"
    return newest if int(newest) < int(oldest_running) else None
