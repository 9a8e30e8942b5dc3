"""Stores a package's rows in a temporary SQLite file and joins them by their links. Memory use stays small however
large the package is."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from common.process.lazily import lazily

from directory.files.imports.outcomes.fidelity import Fate
from directory.files.imports.outcomes.notes import Note, note
from directory.files.imports.package.fields import NESTED, OWNERS, tables
from directory.files.imports.package.older import FILE, MADE, MERGED, NAMES, Row, ids_in, listed_in

if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = lazily("sqlite3")

_ANY = "*"
"""The table of a link that may point to any table."""
_MOST_NOTES = 200
_AT_ONCE = 1_000
_MOST_FOUND = 1_000
MOST_CHILDREN = 501
"""One more than an object may have, so that a parent of millions is refused without reading them."""
ENTRIES = ("organization", "location", "taxonomy", "taxonomy_term")
"""Tables whose rows are entries of their own, besides services."""
_NAMES = {
    "service": "organization_id",
    "location": "organization_id",
    "service_at_location": "location_id",
}
"""Links to rows that do not contain the linking row."""
_ROW = "SELECT rows.tab, rows.line, rows.data, rows.rowid"
_OF_ENTITY = """UPDATE links SET parent = said.entity FROM (
    SELECT rowid AS child, lower(coalesce(json_extract(data, '$.link_entity'),
        json_extract(data, '$.resource_type'))) AS entity FROM rows WHERE tab IN ('attribute', 'metadata')) AS said
WHERE links.child = said.child AND links.parent = '*' AND EXISTS (
    SELECT 1 FROM rows WHERE rows.id = links.parent_id AND rows.tab = said.entity)"""
"""Limits a link to the table that its row names, because many publishers number each table from 1."""


Children = dict[str, list["Staged"]]


@dataclass(slots=True)
class Staged:
    """A staged row. `line` is its line in the file; `row` contains texts under current names."""

    table: str
    line: int
    row: Row
    key: int
    """Its number among all rows of the package."""
    link: str = ""
    """The field that links the row to the row above it."""

    @property
    def file(self) -> str:
        return self.row.get(FILE, tables()[self.table].file)

    @property
    def cells(self) -> list[str]:
        """Return the fields that the file contains."""
        made = self.row.get(MADE, "").split(",")
        return [name for name in self.row if name not in made and not name.startswith("~")]

    def named(self, fates: Mapping[str, Fate]) -> Mapping[str, Fate]:
        """Return the outcomes, keyed by the file's field names."""
        if FILE not in self.row and NAMES not in self.row:
            return fates
        pairs = (pair.partition("=") for pair in self.row.get(NAMES, "").split(","))
        names = {now: given for now, _, given in pairs}
        return {
            now: replace(fate, file=self.file, field=names.get(now, fate.field))
            for now, fate in fates.items()
        }


class Staging:
    """The staging area. Call `add` for each row, then `index`, then the other methods."""

    def __init__(self, folder: Path) -> None:
        # Any free thread may read a batch, but never two threads at the same time.
        self._db = sqlite3.connect(
            folder / "staging.sqlite", isolation_level=None, check_same_thread=False
        )
        self._db.executescript(
            "PRAGMA page_size=16384; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF;"
            "PRAGMA synchronous=OFF; PRAGMA cache_size=-20000;"
            "CREATE TABLE rows (tab TEXT, line INT, id TEXT, data TEXT);"
            "CREATE TABLE links (child INT, rank INT, field TEXT, tab TEXT, parent TEXT,"
            " parent_id TEXT, PRIMARY KEY (child, rank, parent_id)) WITHOUT ROWID;"
            "CREATE TABLE named (tab TEXT, id TEXT, PRIMARY KEY (tab, id)) WITHOUT ROWID;"
            "BEGIN;"
        )
        self._rows: list[tuple[int, str, int, str, str]] = []
        self._links: list[tuple[int, int, str, str, str, str]] = []
        self._lists: list[tuple[int, str, str, str, str, str]] = []
        self._listing: set[tuple[int, str]] = set()
        """Cells with ids of rows in another table."""
        self.listed: set[tuple[str, str]] = set()
        """Columns that list rows of another table."""
        self._keys = 0
        self.tables: set[str] = set()
        """Tables with at least one row."""
        self.has_dangling = False
        self._leading: set[str] = set()
        """Tables whose rows have child rows."""
        self.find = lru_cache(maxsize=_MOST_FOUND)(self._find)

    def close(self) -> None:
        self._db.close()

    def add(self, table: str, line: int, row: Row) -> int:
        """Stage a row and return its key."""
        self._keys = key = self._keys + 1
        self.tables.add(table)
        self._rows.append((key, table, line, row["id"], orjson.dumps(row).decode()))
        self._link(key, table, row)
        if len(self._rows) >= _AT_ONCE:
            self._flush()
        return key

    def _link(self, key: int, table: str, row: Row) -> None:
        for rank, name in enumerate(OWNERS.get(table, ())):
            if name in row:
                field = tables()[table].field(name)
                parent = field.references if field and field.references else _ANY
                self._links.append((key, rank, name, table, parent, row[name]))
        for name in row.keys() - tables()[table].by_name.keys():
            if child := listed_in(table, name):
                self._lists.append((key, table, row["id"], child, name, row[name]))

    def complete(self, key: int, again: Row, made: Collection[str]) -> list[str]:
        """Add the fields of another copy to a staged row. Return the fields that contradict it. `made`: the fields of
        the copy that are not in the file."""
        self._flush()
        (staged,) = self._read(f"{_ROW} FROM rows WHERE rowid = ?", key)
        row = staged.row
        ours = set(row.get(MADE, "").split(","))
        new = {
            name: value
            for name, value in again.items()
            if name[0] != "~" and name not in made and (name not in row or name in ours - {"id"})
        } | {name: again[name] for name in made if name in again and name not in row}
        kept = (ours | {*made} & new.keys()) - (new.keys() - {*made})
        self._link(key, staged.table, {name: new[name] for name in new if name not in row})
        merged = {**row, **new, MADE: ",".join(sorted(filter(None, kept)))}
        self._store(key, merged)
        return [
            name
            for name, value in again.items()
            if name[0] != "~" and name not in made and merged[name] != value
        ]

    def _flush(self) -> None:
        self._db.executemany(
            "INSERT INTO rows (rowid, tab, line, id, data) VALUES (?, ?, ?, ?, ?)", self._rows
        )
        self._db.executemany("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)", self._links)
        self._rows.clear()
        self._links.clear()

    def add_to(self, table: str, row_id: str, addition: Row, cells: list[str]) -> str:
        """Merge fields into a stored row. `cells`: the cells that contained them, as in `MERGED`. Return the reason if
        the fields cannot be merged."""
        if not row_id:
            return "left_behind"
        found = self.find(table, row_id)
        if found is None:
            return "link_dangling"
        made = ",".join((found.row.get(MADE, ""), *(addition.keys() - found.row.keys())))
        told = [*filter(None, (found.row.get(MERGED),)), *cells]
        merged = {**found.row, MADE: made, MERGED: "\n".join(told)}
        for name, value in addition.items():
            before = merged.get(name, "")
            merged[name] = (
                before if value in before.split("; ") else f"{before}; {value}".lstrip("; ")
            )
        self._store(found.key, merged)
        return ""

    def index(self) -> None:
        """Create indexes, then keep each row's most specific link with an existing target."""
        self._flush()
        self._db.executescript(
            "CREATE INDEX rows_by_id ON rows (id, tab, line); CREATE INDEX rows_by_line ON rows (tab, line);"
        )
        self._split_links()
        for each in self._lists:
            self._link_listed(*each)
        self._db.execute(_OF_ENTITY)
        self._db.executescript(
            "CREATE TABLE gaps AS SELECT child, rank, links.tab AS tab, own.line AS line, field, parent_id"
            " FROM links CROSS JOIN rows AS own ON own.rowid = child WHERE NOT EXISTS"
            " (SELECT 1 FROM rows WHERE rows.id = links.parent_id"
            " AND (links.parent = '*' OR rows.tab = links.parent));"
            "CREATE INDEX gaps_by_line ON gaps (tab, line);"
            "DELETE FROM links WHERE (child, rank, parent_id) IN"
            " (SELECT child, rank, parent_id FROM gaps);"
            "DELETE FROM links WHERE EXISTS (SELECT 1 FROM links AS better"
            " WHERE better.child = links.child AND better.rank < links.rank);"
            "CREATE INDEX links_by_parent ON links (parent_id, tab);"
        )
        for table, field in _NAMES.items():
            self._db.execute(
                "INSERT OR IGNORE INTO named SELECT tab, json_extract(data, ?) AS given FROM rows"
                " WHERE tab = ? AND given IS NOT NULL",
                (f"$.{field}", table),
            )
        several = self._db.execute("SELECT tab, id FROM named WHERE id GLOB '*[,;|]*'").fetchall()
        parts = [(table, part) for table, given in several for part in ids_in(given)]
        self._db.executemany("INSERT OR IGNORE INTO named VALUES (?, ?)", parts)
        self.has_dangling = self._count("gaps") > 0
        leading = self._db.execute(
            "SELECT DISTINCT parent FROM links WHERE parent <> '*' UNION"
            " SELECT DISTINCT rows.tab FROM links CROSS JOIN rows ON rows.id = links.parent_id"
            " WHERE links.parent = '*'"
        )
        self._leading = {table for (table,) in leading}

    def _split_links(self) -> None:
        """Replace a link that contains several ids, and is not an id itself, with a link to each."""
        several = self._db.execute(
            "SELECT * FROM links WHERE parent_id GLOB '*[,;|]*' AND NOT EXISTS (SELECT 1 FROM rows"
            " WHERE rows.id = links.parent_id AND (links.parent = '*' OR rows.tab = links.parent))"
        ).fetchall()
        for *link, given in several:
            self._db.execute(
                "DELETE FROM links WHERE (child, rank, parent_id) = (?, ?, ?)", (*link[:2], given)
            )
            parts = [(*link, part) for part in ids_in(given)]
            self._db.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?, ?)", parts)

    def _link_listed(
        self, key: int, table: str, own: str, child: str, name: str, value: str
    ) -> None:
        """Link the rows that a parent row's cell lists. A cell without any id remains an unknown value."""
        link = f"{table}_id"
        for found in self.linked(child, value):
            self._listing.add((key, name))
            self.listed.add((table, name))
            if link in OWNERS.get(child, ()):
                rank = OWNERS[child].index(link)
                row = (found.key, rank, link, child, table, own)
                self._db.execute("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?, ?)", row)
            elif link not in found.row:
                made = f"{found.row.get(MADE, '')},{link}".strip(",")
                self._store(found.key, {**found.row, link: own, MADE: made})

    def linked(self, table: str, given: str) -> list[Staged]:
        """Return the row with this id, or the rows with the ids in a cell."""
        whole = self.find(table, given) if given else None
        found = [whole] if whole else [self.find(table, part) for part in ids_in(given)]
        return [each for each in found if each is not None]

    def is_split(self, staged: Staged, name: str) -> bool:
        """Return whether the cell that links the row contains several ids."""
        field = tables()[staged.table].field(name)
        parent = field.references if field and field.references else ""
        return len(ids_in(staged.row.get(name, ""))) > 1 and not (
            self.holds(parent, staged.row[name])
            if parent
            else self._count("rows", "id = ?", staged.row[name])
        )

    def lists(self, key: int, name: str) -> bool:
        """Return whether this cell lists rows of another table."""
        return (key, name) in self._listing

    def _store(self, key: int, row: Row) -> None:
        self._db.execute(
            "UPDATE rows SET data = ? WHERE rowid = ?", (orjson.dumps(row).decode(), key)
        )
        self.find.cache_clear()

    def _count(self, table: str, where: str = "true", *given: object) -> int:
        query = f"SELECT count(*) FROM {table} WHERE {where}"  # noqa: S608 - names of ours
        found: int = self._db.execute(query, given).fetchone()[0]
        return found

    def dangling(self) -> list[Note]:
        """Return notes on child-row links without a target. Services are checked with their own rows."""
        gaps = self._db.execute(
            "SELECT tab, line, field, parent_id FROM gaps ORDER BY tab, line LIMIT ?",
            (_MOST_NOTES,),
        )
        notes = [
            note("link_dangling", f"{tables()[table].file}:{line} {field}", given)
            for table, line, field, given in gaps
        ]
        total = self._count("gaps")
        if total > _MOST_NOTES:
            notes.append(note("more_notes", before=total - _MOST_NOTES))
        return notes

    def unused(self) -> list[Note]:
        """Return a note about locations that no service or organisation uses."""
        count = sum(
            "organization_id" not in each.row and not self.is_a_site(each.row["id"])
            for each in self._in_order("location")
        )
        return [note("unused_rows", tables()["location"].file, count)] if count else []

    def services(self) -> Iterator[Staged]:
        """Yield services in file order."""
        return self._in_order("service")

    def count_services(self) -> int:
        return self._count("rows", "tab = 'service'")

    def organizations(self) -> Iterator[tuple[Staged, bool]]:
        """Yield organisations, and whether a service in the file belongs to each."""
        for staged in self._in_order("organization"):
            given = staged.row["id"]
            yield staged, self._is_named("service", given) or self._is_named("location", given)

    def children_of(self, parent: str, parent_id: str) -> Children:
        """Return a row's children, by table."""
        if parent not in self._leading:
            return {}
        kinds = (*NESTED.get(parent, {}).values(), "attribute", "metadata")
        return {
            table: found
            for table in kinds
            if table in self.tables and (found := self._children(table, parent, parent_id))
        }

    def some_services(self, most: int) -> list[Staged]:
        """Return at most `most` services, spread over the file."""
        apart = max(1, -(-self.count_services() // most))
        return list(islice(self.services(), None, None, apart))

    def uuids(self) -> dict[str, dict[UUID, str]]:
        """Return, by table, the UUIDs of entries that services share, with their names."""
        found: dict[str, dict[UUID, str]] = {}
        for table in ENTRIES:
            ids = found[table] = {}
            for each in self._in_order(table):
                with suppress(ValueError):
                    ids[UUID(each.row["id"])] = each.row.get("name", "")
        return found

    def _find(self, table: str, row_id: str) -> Staged | None:
        """Return the first row with this id."""
        # The plus keeps SQLite from using an index only for the order, which would read the whole table.
        query = f"{_ROW} FROM rows WHERE id = ? AND tab = ? ORDER BY +line LIMIT 1"
        return next(self._read(query, row_id, table), None)

    def _children(self, table: str, parent: str, parent_id: str) -> list[Staged]:
        # CROSS JOIN fixes the table order: from the few links to their rows.
        query = (
            f"{_ROW}, links.field FROM links CROSS JOIN rows ON rows.rowid = links.child"
            " WHERE links.parent_id = ? AND links.tab = ? AND links.parent IN (?, '*')"
            " ORDER BY +rows.line LIMIT ?"
        )
        return list(self._read(query, parent_id, table, parent, MOST_CHILDREN))

    def dangles(self, table: str, line: int, field: str) -> bool:
        """Return whether this child-row link has no target."""
        return self.has_dangling and field in self._gaps_of(table, line)

    def _gaps_of(self, table: str, line: int) -> list[str]:
        query = "SELECT field FROM gaps WHERE tab = ? AND line = ? ORDER BY rowid"
        return [field for (field,) in self._db.execute(query, (table, line))]

    def holds(self, table: str, row_id: str) -> bool:
        query = "SELECT 1 FROM rows WHERE id = ? AND tab = ?"
        return self._db.execute(query, (row_id, table)).fetchone() is not None

    def others(self, is_taken: Callable[[int], bool]) -> Iterator[Staged]:
        """Yield rows that no service used. `link`: one of their links without a target."""
        for staged in self._read(f"{_ROW} FROM rows ORDER BY rowid"):
            if not is_taken(staged.key):
                used = staged.table == "location" and self.is_a_site(staged.row["id"])
                gaps = (
                    self._gaps_of(staged.table, staged.line)
                    if self.has_dangling and not used
                    else ()
                )
                staged.link = gaps[0] if gaps else ""
                yield staged

    def is_a_site(self, location_id: str) -> bool:
        """Return whether a service is at this location."""
        return self._is_named("service_at_location", location_id)

    def _is_named(self, table: str, row_id: str) -> bool:
        query = "SELECT 1 FROM named WHERE tab = ? AND id = ?"
        return self._db.execute(query, (table, row_id)).fetchone() is not None

    def _in_order(self, table: str) -> Iterator[Staged]:
        return self._read(f"{_ROW} FROM rows WHERE tab = ? ORDER BY line", table)

    def _read(self, query: str, *given: object) -> Iterator[Staged]:
        for table, line, data, key, *link in self._db.execute(query, given):
            yield Staged(table, line, orjson.loads(data), key, *link)
