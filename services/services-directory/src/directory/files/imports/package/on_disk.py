"""Rows of a package in a temporary SQLite file, joined by their links. Memory stays small however large the
package is."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from common.process.lazily import lazily

from directory.files.imports.package.staged import (
    ANY,
    Gap,
    Joined,
    Shape,
    Shapes,
    Staged,
    field_of,
)

if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = lazily("sqlite3")

_AT_ONCE = 1_000

# The other columns are those of the row that has the lowest rank.
_TIES = (
    "CREATE TABLE ties AS SELECT child, tab, parent, parent_id, min(rank) AS rank FROM links"
    " GROUP BY child; CREATE INDEX ties_by_parent ON ties (parent_id, tab);"
)
_TIES_PAST_GAPS = (
    "CREATE TABLE ties AS SELECT child, tab, parent, parent_id, min(rank) AS rank FROM links"
    " WHERE NOT EXISTS (SELECT 1 FROM gaps WHERE gaps.child = links.child"
    " AND gaps.rank = links.rank) GROUP BY child;"
    " CREATE INDEX ties_by_parent ON ties (parent_id, tab);"
)


class OnDisk:
    def __init__(self, folder: Path, shapes: Shapes) -> None:
        # Batches are read in whatever thread is free, one after the other, never two at once.
        self._db = sqlite3.connect(
            folder / "staging.sqlite", isolation_level=None, check_same_thread=False
        )
        self._db.create_function("field_of", 2, field_of, deterministic=True)
        self._shapes = shapes
        self._db.executescript(
            "PRAGMA page_size=16384; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF;"
            "PRAGMA synchronous=OFF; PRAGMA cache_size=-20000;"
            "CREATE TABLE rows (tab TEXT, line INT, id TEXT, data TEXT, shape INT);"
            "CREATE TABLE links (child INT, rank INT, tab TEXT, parent TEXT, parent_id TEXT,"
            " PRIMARY KEY (child, rank)) WITHOUT ROWID;"
            "BEGIN;"
        )
        self._rows: list[tuple[int, str, int, str, str, int]] = []
        self._links: list[tuple[int, int, str, str, str]] = []
        self._keys = 0
        self._named: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        self._db.close()

    def put(self, shape: Shape, line: int, cells: Sequence[str]) -> None:
        self._keys = child = self._keys + 1
        table = shape.table
        self._rows.append(
            (child, table, line, cells[shape.id_at], _data(shape, cells), shape.number)
        )
        for rank, at, _, parent in shape.links:
            self._links.append((child, rank, table, parent, cells[at]))
        if len(self._rows) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._db.executemany(
            "INSERT INTO rows (rowid, tab, line, id, data, shape) VALUES (?, ?, ?, ?, ?, ?)",
            self._rows,
        )
        self._db.executemany("INSERT INTO links VALUES (?, ?, ?, ?, ?)", self._links)
        self._rows.clear()
        self._links.clear()

    def join(self, crowd: int) -> Joined:
        self._flush()
        self._db.executescript(
            "CREATE INDEX rows_by_id ON rows (id, tab, line); CREATE INDEX rows_by_line ON rows (tab, line);"
            "CREATE TABLE gaps AS SELECT child, rank, links.tab AS tab, own.line AS line,"
            " field_of(links.tab, rank) AS field, parent_id FROM links CROSS JOIN rows AS own"
            " ON own.rowid = child WHERE NOT EXISTS (SELECT 1 FROM rows WHERE rows.id = links.parent_id"
            " AND (links.parent = '*' OR rows.tab = links.parent));"
            "CREATE INDEX gaps_by_line ON gaps (tab, line);"
            "CREATE INDEX gaps_by_link ON gaps (child, rank);"
        )
        has_gaps = self._db.execute("SELECT 1 FROM gaps").fetchone() is not None
        self._db.executescript(_TIES_PAST_GAPS if has_gaps else _TIES)
        crowded = self._db.execute(
            "SELECT parent_id FROM ties GROUP BY parent_id, tab HAVING count(*) >= ?", (crowd,)
        )
        leading = self._db.execute(
            "SELECT DISTINCT parent FROM ties WHERE parent <> '*' UNION"
            " SELECT DISTINCT rows.tab FROM ties CROSS JOIN rows ON rows.id = ties.parent_id"
            " WHERE ties.parent = '*'"
        )
        return Joined(has_gaps, {parent for (parent,) in crowded}, {table for (table,) in leading})

    def replace(self, table: str, row_id: str, shape: Shape, cells: Sequence[str]) -> None:
        self._db.execute(
            "UPDATE rows SET data = ?, shape = ? WHERE tab = ? AND id = ?",
            (_data(shape, cells), shape.number, table, row_id),
        )

    def gaps(self, most: int) -> list[Gap]:
        found = self._db.execute(
            "SELECT tab, line, field, parent_id FROM gaps ORDER BY tab, line LIMIT ?", (most,)
        )
        return [Gap(*each) for each in found]

    def count_gaps(self) -> int:
        found: int = self._db.execute("SELECT count(*) FROM gaps").fetchone()[0]
        return found

    def gaps_of(self, table: str, line: int) -> list[str]:
        found = self._db.execute(
            "SELECT field FROM gaps WHERE tab = ? AND line = ? ORDER BY rowid", (table, line)
        )
        return [field for (field,) in found]

    def count(self, table: str) -> int:
        query = "SELECT count(*) FROM rows WHERE tab = ?"
        found: int = self._db.execute(query, (table,)).fetchone()[0]
        return found

    def in_order(self, table: str) -> Iterator[Staged]:
        cursor = self._db.cursor()  # of its own, so that others may run meanwhile
        cursor.execute(
            "SELECT tab, line, data, rowid, shape FROM rows WHERE tab = ? ORDER BY line", (table,)
        )
        return (self._staged(*each) for each in cursor)

    def first(self, table: str, row_id: str) -> Staged | None:
        found = self._db.execute(
            # An index that gives the order alone would read the whole table: hence the plus.
            "SELECT tab, line, data, rowid, shape FROM rows WHERE id = ? AND tab = ?"
            " ORDER BY +line LIMIT 1",
            (row_id, table),
        ).fetchone()
        return self._staged(*found) if found else None

    def holds(self, table: str, row_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM rows WHERE id = ? AND tab = ?", (row_id, table))
        return found.fetchone() is not None

    def names(self, field: str, table: str, value: str) -> bool:
        named = self._named.get((field, table))
        if named is None:
            named = self._named[field, table] = f"named_{len(self._named)}"
            self._db.execute(f"CREATE TABLE {named} (value TEXT PRIMARY KEY) WITHOUT ROWID")
            values = (each.row.get(field) for each in self.in_order(table))
            self._db.executemany(
                f"INSERT OR IGNORE INTO {named} VALUES (?)",  # noqa: S608 - a name of ours
                ((each,) for each in values if each is not None),
            )
        found = self._db.execute(f"SELECT 1 FROM {named} WHERE value = ?", (value,))  # noqa: S608
        return found.fetchone() is not None

    def hanging_on(self, ids: Iterable[str], most: int) -> list[tuple[str, str, Staged]] | None:
        rows = self._db.execute(
            # CROSS JOIN keeps the order of the tables: from the few links to their rows.
            "SELECT ties.parent, ties.parent_id, rows.tab, rows.line, rows.data, ties.child, rows.shape, ties.rank"
            " FROM json_each(?) AS asked CROSS JOIN ties ON ties.parent_id = asked.value"
            " CROSS JOIN rows ON rows.rowid = ties.child LIMIT ?",
            (orjson.dumps(list(ids)).decode(), most + 1),
        ).fetchall()
        if len(rows) > most:
            return None
        return [(parent, parent_id, self._staged(*each)) for parent, parent_id, *each in rows]

    def children(self, table: str, parent: str, parent_id: str, most: int) -> list[Staged]:
        found = self._db.execute(
            # CROSS JOIN keeps the order of the tables: from the few links to their rows.
            "SELECT rows.tab, line, data, ties.child, shape, ties.rank FROM ties CROSS JOIN rows ON rows.rowid = ties.child"
            " WHERE ties.parent_id = ? AND ties.tab = ? AND ties.parent IN (?, ?)"
            " ORDER BY +rows.line LIMIT ?",
            (parent_id, table, parent, ANY, most),
        )
        return [self._staged(*each) for each in found.fetchall()]

    def numbered(self, keys: Sequence[int]) -> Iterator[Staged]:
        found = self._db.execute(
            "SELECT tab, line, data, rows.rowid, shape FROM json_each(?) AS asked"
            " CROSS JOIN rows ON rows.rowid = asked.value",
            (orjson.dumps(keys).decode(),),
        )
        return (self._staged(*each) for each in found)

    def _staged(
        self, table: str, line: int, data: str, key: int, number: int, rank: int | None = None
    ) -> Staged:
        found = orjson.loads(data)
        link = "" if rank is None else field_of(table, rank)
        if number:
            return self._shapes.numbered(number).staged(key, line, found, link)
        return Staged(table, line, found, key, link)


def _data(shape: Shape, cells: Sequence[str]) -> str:
    whole = cells if shape.number else dict(zip(shape.names, cells, strict=True))
    return orjson.dumps(whole).decode()
