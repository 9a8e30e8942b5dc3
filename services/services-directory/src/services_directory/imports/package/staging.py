"""The tables of a package in a temporary SQLite file, joined by their links. Memory stays small
however large the package is."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from services_directory.imports.outcomes.fidelity import RowFates
from services_directory.imports.outcomes.notes import Note, note
from services_directory.imports.package.fields import NESTED, OWNERS, tables
from services_directory.imports.package.older import MADE, READ, Row

ANY = "*"
_MOST_NOTES = 200
_AT_ONCE = 1_000
_PARENTS = 200
_MOST_NEAR = 20_000
_MOST_FOUND = 1_000
_MOST_HELD = 1_000
_MOST_SHAPES = 4_096
_SEEN_WITH = ("id", "organization_id")
"""Rows that come with a service."""
MOST_CHILDREN = 501
"""One more than an object may have: a parent of millions is refused without being read."""
ENTRIES = ("organization", "location", "taxonomy", "taxonomy_term")
"""Tables whose rows are entries of the directory in their own right, beside services."""


# The other columns are those of the row that has the lowest rank.
_TIES = (
    "CREATE TABLE ties AS SELECT child, tab, parent, parent_id, min(rank) AS rank FROM links"
    " GROUP BY child; CREATE INDEX ties_by_parent ON ties (parent_id, tab);"
)
_TIES_PAST_GAPS = (
    "CREATE TABLE ties AS SELECT child, tab, parent, parent_id, min(rank) AS rank FROM links"
    " WHERE NOT EXISTS (SELECT 1 FROM dangling WHERE dangling.child = links.child"
    " AND dangling.rank = links.rank) GROUP BY child;"
    " CREATE INDEX ties_by_parent ON ties (parent_id, tab);"
)


@dataclass(slots=True)
class Staged:
    """`line` is that of the file; `row` holds texts under today's names."""

    table: str
    line: int
    row: Row
    key: int = 0
    """Its number among all rows of the package."""
    link: str = ""
    """The field by which it hangs on the row that it was found from."""
    shape: int = 0
    """The same number for rows that hold the same fields; 0 is for any."""
    made: dict[str, Any] | None = None
    """What it says if there is nothing to tell of it, `told` being the fates of its values."""
    told: RowFates = (0, ())
    whole: bool = False
    """Whether it then has all fields of its own that the standard requires."""

    @property
    def cells(self) -> list[str]:
        """Fields that the file holds."""
        made = self.row.get(MADE, "").split(",")
        return [name for name in self.row if name not in made and not name.startswith("~")]


Children = dict[str, list[Staged]]
_by_line = attrgetter("line", "key")


@cache
def _owners(table: str) -> tuple[tuple[int, str, str], ...]:
    """(rank, field, table) of the rows on which one may hang."""
    fields = ((name, tables()[table].field(name)) for name in OWNERS.get(table, ()))
    return tuple(
        (rank, name, field.references if field and field.references else ANY)
        for rank, (name, field) in enumerate(fields)
    )


def _field_of(table: str, rank: int) -> str:
    return _owners(table)[rank][1]


class Staging:
    def __init__(self, folder: Path) -> None:
        # Batches are read in whatever thread is free, one after the other, never two at once.
        self._db = sqlite3.connect(
            folder / "staging.sqlite", isolation_level=None, check_same_thread=False
        )
        self._db.create_function("field_of", 2, _field_of, deterministic=True)
        self._db.executescript(
            "PRAGMA page_size=16384; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF;"
            "PRAGMA synchronous=OFF; PRAGMA cache_size=-20000;"
            "CREATE TABLE rows (tab TEXT, line INT, id TEXT, data TEXT, shape INT);"
            "CREATE TABLE links (child INT, rank INT, tab TEXT, parent TEXT, parent_id TEXT,"
            " PRIMARY KEY (child, rank)) WITHOUT ROWID;"
            "BEGIN;"
        )
        self.tables: set[str] = set()
        """Those that hold a row."""
        self.has_dangling = True
        self.arrived: Callable[[list[Staged]], None] = lambda _: None
        """Told of rows that are read together, before anybody asks for one of them."""
        self._shapes: dict[tuple[str | None, ...], int] = {}
        self._has_sites: bool | None = None
        self._rows: list[tuple[int, str, int, str, str, int]] = []
        self._links: list[tuple[int, int, str, str, str]] = []
        self._keys = 0
        self._near: set[str] = set()
        self._kept: dict[tuple[str, str], Children] = {}
        self._crowded: set[str] = set()
        self._leading: set[str] = set()
        """Tables on whose rows others hang."""
        # What many rows lead to is asked for once.
        self.find = lru_cache(maxsize=_MOST_FOUND)(self._find)
        self.holds = lru_cache(maxsize=_MOST_HELD)(self._holds)

    def close(self) -> None:
        self._db.close()

    def add(self, table: str, line: int, row: Row, shape: int | None = None) -> None:
        """`shape`: as `shape_of` says, for who knows it already."""
        self._keys = child = self._keys + 1
        rows = self._rows
        if shape is None:
            shape = self.shape_of(table, row)
        data = orjson.dumps(row).decode()
        rows.append((child, table, line, row["id"], data, shape))
        for rank, field, parent in _owners(table):
            if field in row:
                self._links.append((child, rank, table, parent, row[field]))
        if len(rows) >= _AT_ONCE:
            self._flush()

    def shape_of(self, table: str, row: Row) -> int:
        """One number for all rows of the table that hold the same fields; 0 if there are too many kinds."""
        key = (table, row.get(MADE), row.get(READ), *row)
        found = self._shapes.get(key, 0)
        if not found and len(self._shapes) < _MOST_SHAPES:
            found = self._shapes[key] = len(self._shapes) + 1
        return found

    def _flush(self) -> None:
        self.tables.update({row[1] for row in self._rows})
        self._db.executemany(
            "INSERT INTO rows (rowid, tab, line, id, data, shape) VALUES (?, ?, ?, ?, ?, ?)",
            self._rows,
        )
        self._db.executemany("INSERT INTO links VALUES (?, ?, ?, ?, ?)", self._links)
        self._rows.clear()
        self._links.clear()

    def add_to(self, table: str, row_id: str, addition: Row) -> None:
        """Put fields into a row that is there already."""
        found = self.find(table, row_id)
        if found is None:
            return
        made = ",".join((found.row.get(MADE, ""), *(addition.keys() - found.row.keys())))
        merged = {**addition, **found.row, MADE: made}
        self._db.execute(
            "UPDATE rows SET data = ?, shape = 0 WHERE tab = ? AND id = ?",
            (orjson.dumps(merged).decode(), table, row_id),
        )
        self.find.cache_clear()

    def index(self) -> None:
        """After the last row: indexes, then each row keeps its most exact link that leads
        somewhere."""
        self._flush()
        self._db.executescript(
            "CREATE INDEX rows_by_id ON rows (id, tab, line); CREATE INDEX rows_by_line ON rows (tab, line);"
            "CREATE TABLE dangling AS SELECT child, rank, links.tab AS tab, own.line AS line,"
            " field_of(links.tab, rank) AS field, parent, parent_id FROM links CROSS JOIN rows AS own"
            " ON own.rowid = child WHERE NOT EXISTS (SELECT 1 FROM rows WHERE rows.id = links.parent_id"
            " AND (links.parent = '*' OR rows.tab = links.parent));"
            "CREATE INDEX dangling_by_line ON dangling (tab, line);"
            "CREATE INDEX dangling_by_link ON dangling (child, rank);"
        )
        self.has_dangling = self._db.execute("SELECT 1 FROM dangling").fetchone() is not None
        self._db.executescript(_TIES_PAST_GAPS if self.has_dangling else _TIES)
        crowded = self._db.execute(
            "SELECT parent_id FROM ties GROUP BY parent_id, tab HAVING count(*) >= ?",
            (MOST_CHILDREN,),
        )
        self._crowded = {parent for (parent,) in crowded}
        self._leading = {
            tab
            for (tab,) in self._db.execute(
                "SELECT DISTINCT parent FROM ties WHERE parent <> '*' UNION"
                " SELECT DISTINCT rows.tab FROM ties CROSS JOIN rows ON rows.id = ties.parent_id"
                " WHERE ties.parent = '*'"
            )
        }

    def dangling(self) -> list[Note]:
        """Links of child rows that lead nowhere; services are judged with their own rows."""
        found = self._db.execute(
            "SELECT tab, line, field, parent_id FROM dangling ORDER BY tab, line LIMIT ?",
            (_MOST_NOTES,),
        ).fetchall()
        notes = [
            note("link_dangling", f"{tables()[tab].file}:{line} {field}", parent)
            for tab, line, field, parent in found
        ]
        total = self._db.execute("SELECT count(*) FROM dangling").fetchone()[0]
        if total > _MOST_NOTES:
            notes.append(note("more_notes", before=total - _MOST_NOTES))
        return notes

    def unused(self) -> list[Note]:
        """Locations that neither a service nor an organisation leads to."""
        counts = {
            "location": "SELECT count(*) FROM rows WHERE tab = 'location'"
            " AND json_extract(data, '$.organization_id') IS NULL AND id NOT IN"
            " (SELECT json_extract(data, '$.location_id') FROM rows"
            " WHERE tab = 'service_at_location'"
            " AND json_extract(data, '$.location_id') IS NOT NULL)",
        }
        found = {table: self._db.execute(sql).fetchone()[0] for table, sql in counts.items()}
        return [
            note("unused_rows", tables()[table].file, count)
            for table, count in found.items()
            if count
        ]

    def services(self) -> Iterator[Staged]:
        """In the order of the file; a cursor of its own, so that others may run meanwhile."""
        cursor = self._db.cursor()
        cursor.execute(
            "SELECT tab, line, data, rowid, shape FROM rows WHERE tab = 'service' ORDER BY line"
        )
        while some := cursor.fetchmany(_PARENTS):
            found = [
                Staged(tab, line, orjson.loads(data), key, "", shape)
                for tab, line, data, key, shape in some
            ]
            self.arrived(found)
            self._bring_near_all(found)
            yield from found

    def organizations(self) -> Iterator[tuple[Staged, bool]]:
        """With whether a service here is theirs."""
        cursor = self._db.cursor()
        cursor.execute(
            "SELECT tab, line, data, rowid, id IN (SELECT json_extract(data, '$.organization_id')"
            " FROM rows WHERE tab IN ('service', 'location')) FROM rows"
            " WHERE tab = 'organization' ORDER BY line"
        )
        while some := cursor.fetchmany(_PARENTS):
            found = [
                (Staged(tab, line, orjson.loads(data), key), bool(serves))
                for tab, line, data, key, serves in some
            ]
            self._bring_near([staged.row["id"] for staged, _ in found])
            yield from found

    def _bring_near_all(self, services: Iterable[Staged]) -> None:
        self._bring_near(
            [each.row[name] for each in services for name in _SEEN_WITH if name in each.row]
        )

    def _bring_near(self, parents: Iterable[str]) -> None:
        """Read all that hangs on these rows, and on what hangs on them, and so on, by a few questions
        instead of one for each. Memory stays small: of more than `_MOST_NEAR` rows, and of a row
        with a crowd of others, each is asked for when its turn comes."""
        self._near.clear()
        self._kept.clear()
        asked = {parent for parent in parents if parent not in self._crowded}
        room = _MOST_NEAR
        while asked:
            rows = self._db.execute(
                # CROSS JOIN keeps the order of the tables: from the few links to their rows.
                "SELECT ties.parent, ties.parent_id, rows.tab, rows.line, rows.data, ties.child,"
                " ties.rank, rows.shape FROM json_each(?) AS asked CROSS JOIN ties ON ties.parent_id = asked.value"
                " CROSS JOIN rows ON rows.rowid = ties.child LIMIT ?",
                (orjson.dumps(list(asked)).decode(), room + 1),
            ).fetchall()
            room -= len(rows)
            if room < 0:
                return
            self._near |= asked
            asked = set()
            arrived = []
            for parent, parent_id, tab, line, data, key, rank, shape in rows:
                child = Staged(tab, line, orjson.loads(data), key, _field_of(tab, rank), shape)
                arrived.append(child)
                children = self._kept.setdefault((parent, parent_id), {})
                children.setdefault(tab, []).append(child)
                if tab in self._leading:
                    asked.add(child.row["id"])
                if tab == "service_at_location" and (place := child.row.get("location_id")):
                    asked.add(place)
            asked -= self._near | self._crowded
            self.arrived(arrived)
        for some in (each for children in self._kept.values() for each in children.values()):
            if len(some) > 1:
                some.sort(key=_by_line)

    def children_of(self, parent: str, parent_id: str) -> Children:
        """What hangs on a row, by table."""
        if parent not in self._leading:
            return {}
        if parent_id in self._near:
            own, any_of = self._kept.get((parent, parent_id)), self._kept.get((ANY, parent_id))
            return {**own, **any_of} if own and any_of else own or any_of or {}
        kinds = (*NESTED.get(parent, {}).values(), "attribute", "metadata")
        return {
            table: found
            for table in kinds
            if table in self.tables and (found := self.children(table, parent, parent_id))
        }

    def some_services(self, most: int) -> list[Staged]:
        """At most so many, from all over the file."""
        apart = max(1, -(-self._count("service") // most))
        found = self._db.execute(
            "SELECT tab, line, data, key FROM (SELECT tab, line, data, rowid AS key,"
            " row_number() OVER (ORDER BY line) - 1 AS at FROM rows WHERE tab = 'service')"
            " WHERE at % ? = 0 ORDER BY at",
            (apart,),
        )
        some = [Staged(tab, line, orjson.loads(data), key) for tab, line, data, key in found]
        self._bring_near_all(some)
        return some

    def _count(self, table: str) -> int:
        query = "SELECT count(*) FROM rows WHERE tab = ?"
        found: int = self._db.execute(query, (table,)).fetchone()[0]
        return found

    def uuids(self) -> dict[str, dict[UUID, str]]:
        """The UUIDs of what services have beside themselves, with the names given."""
        found: dict[str, dict[UUID, str]] = {}
        for table in ENTRIES:
            rows = self._db.execute(
                "SELECT id, json_extract(data, '$.name') FROM rows WHERE tab = ?", (table,)
            )
            ids = found[table] = {}
            for given, name in rows:
                with suppress(ValueError):
                    ids[UUID(given)] = name or ""
        return found

    def _find(self, table: str, row_id: str) -> Staged | None:
        """The first row with that id."""
        found = self._db.execute(
            # An index that gives the order alone would read the whole table: hence the plus.
            "SELECT tab, line, data, rowid FROM rows WHERE id = ? AND tab = ?"
            " ORDER BY +line LIMIT 1",
            (row_id, table),
        ).fetchone()
        return Staged(found[0], found[1], orjson.loads(found[2]), found[3]) if found else None

    def children(self, table: str, parent: str, parent_id: str) -> list[Staged]:
        found = self._db.execute(
            # CROSS JOIN keeps the order of the tables: from the few links to their rows.
            "SELECT rows.tab, rows.line, rows.data, rows.rowid, ties.rank FROM ties CROSS JOIN rows"
            " ON rows.rowid = ties.child"
            " WHERE ties.parent_id = ? AND ties.tab = ? AND ties.parent IN (?, '*')"
            " ORDER BY +rows.line LIMIT ?",
            (parent_id, table, parent, MOST_CHILDREN),
        )
        return [
            Staged(tab, line, orjson.loads(data), key, _field_of(tab, rank))
            for tab, line, data, key, rank in found.fetchall()
        ]

    def dangles(self, table: str, line: int, field: str) -> bool:
        """Whether this link of a child row leads nowhere."""
        if not self.has_dangling:
            return False
        found = self._db.execute(
            "SELECT 1 FROM dangling WHERE tab = ? AND line = ? AND field = ?", (table, line, field)
        )
        return found.fetchone() is not None

    def _holds(self, table: str, row_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM rows WHERE id = ? AND tab = ?", (row_id, table))
        return found.fetchone() is not None

    def others(self, not_taken: Callable[[int], Iterator[int]]) -> Iterator[Staged]:
        """Rows that nobody took in. `link`: one of theirs that leads nowhere."""
        left = not_taken(self._keys)
        while keys := list(islice(left, _AT_ONCE)):
            found = self._db.execute(
                "SELECT rows.tab, rows.line, rows.data, rows.rowid, (SELECT field FROM dangling"
                " WHERE dangling.tab = rows.tab AND dangling.line = rows.line LIMIT 1)"
                " FROM json_each(?) AS asked CROSS JOIN rows ON rows.rowid = asked.value",
                (orjson.dumps(keys).decode(),),
            )
            for tab, line, data, key, link in found:
                yield Staged(tab, line, orjson.loads(data), key, link or "")

    def is_a_site(self, location_id: str) -> bool:
        """Whether some service is given at this location."""
        if self._has_sites is None:
            self._has_sites = self._count("service_at_location") > 0
            self._db.executescript(
                "CREATE TABLE sites AS SELECT json_extract(data, '$.location_id') AS id"
                " FROM rows WHERE tab = 'service_at_location';"
                "CREATE INDEX sites_by_id ON sites (id);"
            )
        if not self._has_sites:
            return False
        found = self._db.execute("SELECT 1 FROM sites WHERE id = ? LIMIT 1", (location_id,))
        return found.fetchone() is not None
