"""The tables of a package in a temporary SQLite file, joined by their links. Memory stays small
however large the package is."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson

from services_directory.imports.outcomes.notes import Note, note
from services_directory.imports.package.fields import OWNERS, tables
from services_directory.imports.package.older import MADE, Row

ANY = "*"
_MOST_NOTES = 200
_BITS = 1 << 23
MOST_CHILDREN = 501
"""One more than an object may have: a parent of millions is refused without being read."""
ENTRIES = ("organization", "location", "taxonomy", "taxonomy_term")
"""Tables whose rows are entries of the directory in their own right, beside services."""


@dataclass(frozen=True, slots=True)
class Staged:
    """`line` is that of the file; `row` holds texts under today's names."""

    table: str
    line: int
    row: Row
    key: int = 0
    """Its number among all rows of the package."""
    link: str = ""
    """The field by which it hangs on the row that it was found from."""

    @property
    def cells(self) -> list[str]:
        """Fields that the file holds."""
        made = self.row.get(MADE, "").split(",")
        return [name for name in self.row if name not in made and not name.startswith("~")]


class Staging:
    def __init__(self, folder: Path) -> None:
        # Batches are read in whatever thread is free, one after the other, never two at once.
        self._db = sqlite3.connect(
            folder / "staging.sqlite", isolation_level=None, check_same_thread=False
        )
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-20000;"
            "CREATE TABLE rows (tab TEXT, line INT, id TEXT, data TEXT);"
            "CREATE TABLE links (child INT, tab TEXT, line INT, field TEXT, rank INT,"
            " parent TEXT, parent_id TEXT);"
            "BEGIN;"
        )
        self.tables: set[str] = set()
        """Those that hold a row."""
        self._leads: set[tuple[str, str]] = set()
        self._anywhere: dict[str, bytearray] = {}
        self._has_dangling = True
        self._has_sites: bool | None = None

    def close(self) -> None:
        self._db.close()

    def add(self, table: str, line: int, row: Row) -> None:
        self.tables.add(table)
        child = self._db.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?)",
            (table, line, row["id"], orjson.dumps(row).decode()),
        ).lastrowid
        for rank, field in enumerate(OWNERS.get(table, ())):
            if row.get(field):
                known = tables()[table].field(field)
                parent = known.references if known and known.references else ANY
                self._remember_link(table, parent, row[field])
                self._db.execute(
                    "INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (child, table, line, field, rank, parent, row[field]),
                )

    def _remember_link(self, table: str, parent: str, parent_id: str) -> None:
        self._leads.add((table, parent))
        if parent == ANY:
            bits = self._anywhere.setdefault(table, bytearray(_BITS >> 3))
            at = hash(parent_id) % _BITS
            bits[at >> 3] |= 1 << (at & 7)

    def _may_lead(self, table: str, parent: str, parent_id: str) -> bool:
        """Whether rows of a table may hang on this one: nearly all that have none are not asked for."""
        if (table, parent) in self._leads:
            return True
        bits, at = self._anywhere.get(table), hash(parent_id) % _BITS
        return bits is not None and bool(bits[at >> 3] & (1 << (at & 7)))

    def add_to(self, table: str, row_id: str, addition: Row) -> None:
        """Put fields into a row that is there already."""
        found = self.find(table, row_id)
        if found is None:
            return
        made = ",".join((found.row.get(MADE, ""), *(addition.keys() - found.row.keys())))
        merged = {**addition, **found.row, MADE: made}
        self._db.execute(
            "UPDATE rows SET data = ? WHERE tab = ? AND id = ?",
            (orjson.dumps(merged).decode(), table, row_id),
        )

    def index(self) -> None:
        """After the last row: indexes, then each row keeps its most exact link that leads
        somewhere."""
        self._db.executescript(
            "CREATE INDEX rows_by_id ON rows (id, tab, line); CREATE INDEX rows_by_line ON rows (tab, line);"
            "CREATE INDEX links_by_child ON links (child);"
            "CREATE TABLE dangling AS SELECT rowid AS link, tab, line, field, parent, parent_id"
            " FROM links WHERE NOT EXISTS (SELECT 1 FROM rows WHERE rows.id = links.parent_id"
            " AND (links.parent = '*' OR rows.tab = links.parent));"
            "DELETE FROM links WHERE rowid IN (SELECT link FROM dangling);"
            "DELETE FROM links WHERE EXISTS (SELECT 1 FROM links AS better"
            " WHERE better.child = links.child"
            " AND better.rank < links.rank);"
            "CREATE INDEX dangling_by_line ON dangling (tab, line);"
            "CREATE INDEX links_by_parent ON links (parent_id, tab);"
        )
        found = self._db.execute("SELECT 1 FROM dangling LIMIT 1").fetchone()
        self._has_dangling = found is not None

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
            "SELECT tab, line, data, rowid FROM rows WHERE tab = 'service' ORDER BY line"
        )
        for tab, line, data, key in cursor:
            yield Staged(tab, line, orjson.loads(data), key)

    def organizations(self) -> Iterator[tuple[Staged, bool]]:
        """With whether a service here is theirs."""
        cursor = self._db.cursor()
        cursor.execute(
            "SELECT tab, line, data, rowid, id IN (SELECT json_extract(data, '$.organization_id')"
            " FROM rows WHERE tab IN ('service', 'location')) FROM rows"
            " WHERE tab = 'organization' ORDER BY line"
        )
        for tab, line, data, key, serves in cursor:
            yield Staged(tab, line, orjson.loads(data), key), bool(serves)

    def some_services(self, most: int) -> list[Staged]:
        """At most so many, from all over the file."""
        apart = max(1, -(-self._count("service") // most))
        return [each for at, each in enumerate(self.services()) if at % apart == 0]

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

    def find(self, table: str, row_id: str) -> Staged | None:
        """The first row with that id."""
        found = self._db.execute(
            # An index that gives the order alone would read the whole table: hence the plus.
            "SELECT tab, line, data, rowid FROM rows WHERE id = ? AND tab = ?"
            " ORDER BY +line LIMIT 1",
            (row_id, table),
        ).fetchone()
        return Staged(found[0], found[1], orjson.loads(found[2]), found[3]) if found else None

    def children(self, table: str, parent: str, parent_id: str) -> list[Staged]:
        if not self._may_lead(table, parent, parent_id):
            return []
        found = self._db.execute(
            # CROSS JOIN keeps the order of the tables: from the few links to their rows.
            "SELECT rows.tab, rows.line, rows.data, rows.rowid, links.field FROM links CROSS JOIN rows"
            " ON rows.rowid = links.child"
            " WHERE links.parent_id = ? AND links.tab = ? AND links.parent IN (?, '*')"
            " ORDER BY +rows.line LIMIT ?",
            (parent_id, table, parent, MOST_CHILDREN),
        )
        return [
            Staged(tab, line, orjson.loads(data), key, link)
            for tab, line, data, key, link in found.fetchall()
        ]

    def dangles(self, table: str, line: int, field: str) -> bool:
        """Whether this link of a child row leads nowhere."""
        if not self._has_dangling:
            return False
        found = self._db.execute(
            "SELECT 1 FROM dangling WHERE tab = ? AND line = ? AND field = ?", (table, line, field)
        )
        return found.fetchone() is not None

    def holds(self, table: str, row_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM rows WHERE id = ? AND tab = ?", (row_id, table))
        return found.fetchone() is not None

    def others(self, taken: Callable[[int], bool]) -> Iterator[Staged]:
        """Rows that nobody took in. `link`: one of theirs that leads nowhere."""
        cursor = self._db.cursor()
        cursor.execute(
            "SELECT tab, line, data, rowid, (SELECT field FROM dangling"
            " WHERE dangling.tab = rows.tab AND dangling.line = rows.line LIMIT 1) FROM rows"
        )
        for tab, line, data, key, link in cursor:
            if not taken(key):
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
